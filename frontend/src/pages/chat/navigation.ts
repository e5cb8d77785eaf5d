/** Which room the address names, and the address of the open room. */
import { computed, ref, type ComputedRef, type Ref } from 'vue'

import { readStored, writeStored } from '@/lib/stored'

import type { Chat } from './chat'
import type { RoomInfo } from './model/types'

const PHONE = '(max-width: 839px)'

export class Navigation {
  /** The room in the address, if this user may read it but has not joined it. */
  readonly joinable: ComputedRef<RoomInfo | null> = computed(() => this.chat.directory.joinable.value.find((info) => info.slug === this.asked.value) ?? null)
  /** Whether the address names a room that does not exist for this user. */
  readonly missing: ComputedRef<boolean> = computed(() => this.asked.value !== null && !this.chat.directory.rooms.has(this.asked.value))
  private readonly asked: Ref<string | null> = ref(null)
  private started = false

  /** @param base the page's path without a room */
  constructor(
    private readonly chat: Chat,
    private readonly base: string,
  ) {}

  /** Open the room in the address, or else the room of the last visit. Call this once the rooms are known. */
  start(): void {
    if (this.started) return
    this.started = true
    addEventListener('popstate', () => this.follow())
    this.follow()
    if (this.asked.value !== null || matchMedia(PHONE).matches) return
    const stored = readStored(this.key)
    const first = stored !== null && this.chat.directory.rooms.has(stored) ? stored : (this.chat.directory.groups[0] ?? this.chat.directory.directs[0])?.slug
    if (first === undefined) return
    history.replaceState(null, '', this.href(first))
    this.open(first)
  }

  readonly go = (slug: string | null): void => {
    if (slug !== this.slugOfAddress()) history.pushState(null, '', this.href(slug))
    this.open(slug)
  }

  readonly href = (slug: string | null): string => {
    const query = new URLSearchParams(location.search)
    const workspace = query.get('workspace')
    return `${this.base}${slug === null ? '' : `${encodeURIComponent(slug)}/`}${workspace === null ? '' : `?workspace=${encodeURIComponent(workspace)}`}`
  }

  private follow(): void {
    this.open(this.slugOfAddress())
    const sequence = Number(new URLSearchParams(location.search).get('message'))
    const room = this.chat.open.value
    if (room && sequence > 0) void this.chat.jumpWhenReady(room, sequence)
  }

  private open(slug: string | null): void {
    this.asked.value = slug
    this.chat.show(slug)
    if (slug !== null) writeStored(this.key, slug)
  }

  private slugOfAddress(): string | null {
    const rest = location.pathname.slice(this.base.length).replace(/\/$/, '')
    return rest === '' ? null : decodeURIComponent(rest)
  }

  private get key(): string {
    return `pitwall.chat.${this.chat.workspace ?? ''}.room`
  }
}
