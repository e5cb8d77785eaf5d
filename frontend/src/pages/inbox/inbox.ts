/** The state of the inbox: the listed notifications, and the one that is open. */
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { get } from '@/lib/api'
import type { NotificationFeed } from '@/lib/notifications/feed'
import type { Filter, NotificationList } from '@/lib/notifications/list'
import type { Notification } from '@/lib/notifications/notification'
import { openList } from '@/lib/notifications/open-list'

const PAGE_SIZE = 50
const OPENED = 'notification'

/** `all`, `unread`, or the name of a kind. */
export type FilterName = string

export class Inbox {
  readonly list: NotificationList
  readonly filter: Ref<FilterName> = ref('all')
  readonly opened: ComputedRef<Notification | null> = computed(() => this.listed.value ?? this.fetched.value)
  private readonly openedId: Ref<number | null> = ref(null)
  /** A notification requested by its address that is not on any loaded page. */
  private readonly fetched: ShallowRef<Notification | null> = shallowRef(null)
  private readonly listed: ComputedRef<Notification | null> = computed(
    () => this.list.items.value.find((item) => item.id === this.openedId.value) ?? null,
  )

  constructor(readonly feed: NotificationFeed) {
    this.list = openList(feed, PAGE_SIZE).list
    feed.read.add((ids) => this.noteRead(ids))
    void this.list.show({})
    void this.openByAddress()
    addEventListener('popstate', () => void this.openByAddress())
  }

  show(filter: FilterName): void {
    if (filter === this.filter.value) return
    this.filter.value = filter
    void this.list.show(queryOf(filter))
  }

  /** Show one beside the list, and update the address. */
  open(notification: Notification): void {
    if (this.openedId.value !== notification.id) history.pushState(null, '', addressOf(notification.id))
    this.openedId.value = notification.id
    this.fetched.value = notification
  }

  close(): void {
    if (this.openedId.value !== null) history.pushState(null, '', addressOf(null))
    this.openedId.value = this.fetched.value = null
  }

  private async openByAddress(): Promise<void> {
    const id = Number(new URLSearchParams(location.search).get(OPENED)) || null
    this.openedId.value = id
    this.fetched.value = null
    if (id === null || this.listed.value !== null) return
    try {
      const found = await get<Notification>(`notifications/${id}/`, this.feed.workspace)
      if (this.openedId.value === id) this.fetched.value = found
    } catch {
      // It is gone or belongs to another user; the list is usable all the same.
      if (this.openedId.value === id) this.openedId.value = null
    }
  }

  private noteRead(ids: readonly number[]): void {
    const { value } = this.fetched
    if (value && ids.includes(value.id)) this.fetched.value = { ...value, read: true }
  }
}

function queryOf(filter: FilterName): Filter {
  if (filter === 'all') return {}
  return filter === 'unread' ? { unread: true } : { kind: filter }
}

function addressOf(id: number | null): string {
  const url = new URL(location.href)
  if (id === null) url.searchParams.delete(OPENED)
  else url.searchParams.set(OPENED, String(id))
  return url.href
}
