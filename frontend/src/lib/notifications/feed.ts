/** The user's notifications, live from the server; one feed for all parts of a page. */
import { sendLeaving } from '@/lib/api'
import { openConnection, type Connection, type Frame } from '@/lib/socket'
import { isRecord } from '@/lib/socket/frames'
import { Listeners } from '@/lib/socket/listeners'

import { isNotification, severityOf, snapshotOf, type Notification, type Severity, type Snapshot } from './notification'

/** An announcement, or a message from a person (`from`) to users who are connected now. */
export interface Told {
  readonly from: string | null
  readonly message: string
  readonly severity: Severity
}

const SNAPSHOT_WITHIN_MS = 5_000

export class NotificationFeed {
  /** Null until the server has sent the count. */
  unreadCount: number | null = null
  readonly counted = new Listeners<number>()
  readonly arrived = new Listeners<Notification>()
  /** The text of a notification has changed. */
  readonly changed = new Listeners<Notification>()
  readonly read = new Listeners<readonly number[]>()
  readonly renewed = new Listeners<Snapshot>()
  readonly told = new Listeners<Told>()
  private overdue: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly connection: Connection,
    readonly workspace: string | null,
  ) {
    connection.on('initial_data', (frame) => this.snapshot(frame))
    connection.on('new_notification', (frame) => this.added(frame))
    connection.on('notification_changed', (frame) => this.replaced(frame))
    connection.on('notification_read', (frame) => this.marked(idsOf(frame.ids), Number(frame.unread_count)))
    connection.on('system_notification', (frame) => this.tell(frame, null))
    connection.on('user_message', (frame) => this.tell(frame, isRecord(frame.from) ? String(frame.from.username) : null))
    connection.onState(() => this.expectSnapshot())
    this.expectSnapshot()
  }

  /** Mark one as read; the page may be left immediately afterwards. Raises: ApiError. */
  async markRead(id: number): Promise<void> {
    const { unread_count } = await sendLeaving<{ unread_count: number }>(`notifications/${id}/read/`, this.workspace)
    this.marked([id], unread_count)
  }

  /** Mark all as read; the server's event lists which ones. Raises: CommandError. */
  async markAllRead(): Promise<void> {
    await this.connection.command('mark_as_read', { all: true })
  }

  private snapshot(frame: Frame): void {
    clearTimeout(this.overdue)
    const snapshot = snapshotOf(frame)
    this.count(snapshot.unreadCount)
    this.renewed.call(snapshot)
  }

  private added(frame: Frame): void {
    if (!isNotification(frame.data)) return
    this.count(Number(frame.unread_count))
    this.arrived.call(frame.data)
  }

  private replaced(frame: Frame): void {
    if (!isNotification(frame.data)) return
    this.count(Number(frame.unread_count))
    this.changed.call(frame.data)
  }

  private marked(ids: readonly number[], unreadCount: number): void {
    this.count(unreadCount)
    this.read.call(ids)
  }

  private count(count: number): void {
    if (!Number.isFinite(count)) return
    this.unreadCount = count
    this.counted.call(count)
  }

  private tell(frame: Frame, from: string | null): void {
    this.told.call({ from, message: String(frame.message ?? ''), severity: severityOf(frame.severity) })
  }

  /** The server sends a snapshot on its own. Request it if it does not arrive in time. */
  private expectSnapshot(): void {
    clearTimeout(this.overdue)
    if (this.connection.state.kind !== 'live') return
    this.overdue = setTimeout(() => {
      this.connection.command('subscribe').catch(() => undefined)
      this.expectSnapshot()
    }, SNAPSHOT_WITHIN_MS)
  }
}

const feeds = new Map<string, NotificationFeed>()

/** The feed of this page; all callers share one. */
export function openFeed(workspace: string | null): NotificationFeed {
  const key = workspace ?? ''
  const feed = feeds.get(key) ?? new NotificationFeed(openConnection('/ws/notifications/', workspace), workspace)
  feeds.set(key, feed)
  return feed
}

const idsOf = (value: unknown): number[] => (Array.isArray(value) ? value.filter((id) => typeof id === 'number') : [])
