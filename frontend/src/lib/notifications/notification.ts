/** A notification in the format of the socket and the REST API. */
import { isRecord, type Frame } from '@/lib/socket/frames'

export type Severity = 'info' | 'warning' | 'critical'

export interface Notification {
  readonly id: number
  readonly kind: string
  readonly title: string
  readonly message: string
  readonly severity: Severity
  /** A path on this site or an http(s) address; empty: none. */
  readonly link: string
  readonly created_at: string
  readonly read: boolean
}

/** The unread notifications, newest first: all of them, or the newest if there are more than fit in a frame. */
export interface Snapshot {
  readonly unread: readonly Notification[]
  readonly unreadCount: number
}

export function isNotification(value: unknown): value is Notification {
  return isRecord(value) && typeof value.id === 'number' && typeof value.title === 'string' && typeof value.created_at === 'string'
}

export const snapshotOf = (frame: Frame): Snapshot => ({
  unread: Array.isArray(frame.data) ? frame.data.filter(isNotification) : [],
  unreadCount: Number(frame.unread_count ?? 0),
})

export const severityOf = (value: unknown): Severity => (value === 'warning' || value === 'critical' ? value : 'info')

/** A link that is safe to follow: on this site or by http(s). Null for any other link. */
export function safeLink(link: string, base: string): string | null {
  if (link === '') return null
  try {
    const url = new URL(link, base)
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null
  } catch {
    return null
  }
}
