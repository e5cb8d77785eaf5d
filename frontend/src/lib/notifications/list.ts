/** A list of notifications, newest first: loaded page by page, and kept up to date by the feed. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import type { Notification, Snapshot } from './notification'

export interface Filter {
  readonly unread?: boolean
  readonly kind?: string
}

export interface Page {
  readonly results: readonly Notification[]
  /** The address of the next page, or null after the last. */
  readonly next: string | null
}

/** Loads one page; `cursor` null: the first. */
export type LoadPage = (filter: Filter, cursor: string | null) => Promise<Page>

export type Phase = 'loading' | 'ready' | 'failed'

export class NotificationList {
  readonly items: ShallowRef<readonly Notification[]> = shallowRef([])
  readonly phase: Ref<Phase> = ref('loading')
  /** Whether there are older ones to load; `failed`: they could not be loaded. */
  readonly older: Ref<'none' | 'some' | 'loading' | 'failed'> = ref('none')
  private cursor: string | null = null
  private filter: Filter = {}
  /** Counts filter changes, so that a response for an earlier filter is dropped. */
  private turn = 0
  /** Ids reported as read: a response that is still on its way may be older than that. */
  private readonly told = new Set<number>()

  constructor(private readonly loadPage: LoadPage) {}

  /** Show the notifications that match a filter, from the newest on. */
  async show(filter: Filter): Promise<void> {
    this.filter = filter
    this.turn += 1
    this.items.value = []
    this.cursor = null
    this.older.value = 'none'
    this.phase.value = 'loading'
    await this.refresh()
  }

  /**
   * Load the newest page again. Notifications already shown stay if the page reaches down to them.
   *
   * `reachingTo`: the newest one known before the connection was lost.
   */
  async refresh(reachingTo = 0): Promise<void> {
    const { turn } = this
    if (this.phase.value === 'failed') this.phase.value = 'loading'
    try {
      const page = await this.loadPage(this.filter, null)
      if (turn !== this.turn) return
      const leavesHole = reachingTo > 0 && page.next !== null && (page.results.at(-1)?.id ?? 0) > reachingTo
      const isFirst = this.phase.value !== 'ready'
      if (leavesHole) this.items.value = []
      this.merge(page.results)
      if (isFirst || leavesHole) this.continueAt(page.next)
      this.phase.value = 'ready'
    } catch {
      if (turn === this.turn && this.phase.value !== 'ready') this.phase.value = 'failed'
    }
  }

  async loadOlder(): Promise<void> {
    if (this.cursor === null || this.older.value === 'loading') return
    const { turn } = this
    this.older.value = 'loading'
    try {
      const page = await this.loadPage(this.filter, this.cursor)
      if (turn !== this.turn) return
      this.merge(page.results)
      this.continueAt(page.next)
    } catch {
      if (turn === this.turn) this.older.value = 'failed'
    }
  }

  // --- Events from the feed ---------------------------------------------------------------------

  arrived(notification: Notification): void {
    if (this.lets(notification)) this.merge([notification])
  }

  changed(notification: Notification): void {
    if (this.items.value.some((item) => item.id === notification.id)) this.merge([notification])
  }

  /** Read ones stay in place, even in the unread filter, so that nothing moves under the user's finger. */
  read(ids: readonly number[]): void {
    const marked = new Set(ids)
    for (const id of ids) this.told.add(id)
    if (!this.items.value.some((item) => marked.has(item.id) && !item.read)) return
    this.items.value = this.items.value.map((item) => (marked.has(item.id) ? { ...item, read: true } : item))
  }

  /** After a lost connection: notifications that are no longer unread were read elsewhere. */
  renewed({ unread, unreadCount }: Snapshot): void {
    const newest = this.items.value[0]?.id
    const known = new Set(unread.map((item) => item.id))
    const since = unread.length < unreadCount ? Math.min(...known) : 0
    this.read(this.items.value.filter((item) => item.id >= since && !known.has(item.id)).map((item) => item.id))
    this.merge(unread.filter((item) => this.lets(item) && this.isWithin(item)))
    // Notifications that arrived and were read in the meantime are in no snapshot.
    if (this.phase.value !== 'loading') void this.refresh(newest)
  }

  /** Showing one that is older than the list would leave a gap: it comes with its page. */
  private isWithin(item: Notification): boolean {
    const oldest = this.items.value.at(-1)
    return this.phase.value === 'ready' && (this.cursor === null || oldest === undefined || item.id > oldest.id)
  }

  private lets(item: Notification): boolean {
    return (this.filter.kind === undefined || item.kind === this.filter.kind) && (this.filter.unread !== true || !item.read)
  }

  private merge(more: readonly Notification[]): void {
    if (more.length === 0) return
    const byId = new Map(this.items.value.map((item) => [item.id, item]))
    for (const item of more) {
      const isRead = this.told.has(item.id) || byId.get(item.id)?.read === true
      byId.set(item.id, isRead ? { ...item, read: true } : item)
    }
    this.items.value = [...byId.values()].sort((a, b) => b.id - a.id)
  }

  private continueAt(next: string | null): void {
    this.cursor = next === null ? null : new URL(next, 'http://host').searchParams.get('cursor')
    this.older.value = this.cursor === null ? 'none' : 'some'
  }
}
