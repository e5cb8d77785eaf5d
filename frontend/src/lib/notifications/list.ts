/** A list of notifications, newest first: read page by page, kept true by what the feed tells. */
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

/** Reads one page; `cursor` null: the first. */
export type LoadPage = (filter: Filter, cursor: string | null) => Promise<Page>

export type Phase = 'loading' | 'ready' | 'failed'

export class NotificationList {
  readonly items: ShallowRef<readonly Notification[]> = shallowRef([])
  readonly phase: Ref<Phase> = ref('loading')
  /** Whether older ones can be had; `failed`: they could not be read. */
  readonly older: Ref<'none' | 'some' | 'loading' | 'failed'> = ref('none')
  private cursor: string | null = null
  private filter: Filter = {}
  /** Counts the filters: the answer for an earlier one comes too late. */
  private turn = 0
  /** Those that were told to be read: an answer on its way may be older than that. */
  private readonly told = new Set<number>()

  constructor(private readonly loadPage: LoadPage) {}

  /** Show what a filter lets through, from the newest on. */
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
   * Read the newest page again; what is shown already stays where the page reaches down to it.
   *
   * `reachingTo`: the newest one before there was a time without connection.
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

  // --- What the feed tells ----------------------------------------------------------------------

  arrived(notification: Notification): void {
    if (this.lets(notification)) this.merge([notification])
  }

  changed(notification: Notification): void {
    if (this.items.value.some((item) => item.id === notification.id)) this.merge([notification])
  }

  /** Marked ones stay where they are, also among the unread: nothing jumps away under a finger. */
  read(ids: readonly number[]): void {
    const marked = new Set(ids)
    for (const id of ids) this.told.add(id)
    if (!this.items.value.some((item) => marked.has(item.id) && !item.read)) return
    this.items.value = this.items.value.map((item) => (marked.has(item.id) ? { ...item, read: true } : item))
  }

  /** After a time without connection: what is not unread any more was read elsewhere. */
  renewed({ unread, unreadCount }: Snapshot): void {
    const newest = this.items.value[0]?.id
    const known = new Set(unread.map((item) => item.id))
    const since = unread.length < unreadCount ? Math.min(...known) : 0
    this.read(this.items.value.filter((item) => item.id >= since && !known.has(item.id)).map((item) => item.id))
    this.merge(unread.filter((item) => this.lets(item) && this.isWithin(item)))
    // What came and was read meanwhile is in no snapshot.
    if (this.phase.value !== 'loading') void this.refresh(newest)
  }

  /** Older than what is shown would leave a hole: it comes with its page. */
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
