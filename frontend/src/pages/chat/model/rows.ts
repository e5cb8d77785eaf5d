/** The rows of the message list, top to bottom: messages grouped by author, days, and the divider before unread ones. Pure. */
import { localDay } from '@/lib/local-time'

import type { Pending } from './outbox'
import type { Message } from './types'

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly time: number }
  | { readonly kind: 'unread'; readonly key: string }
  | { readonly kind: 'message'; readonly key: string; readonly message: Message; readonly continues: boolean }
  | { readonly kind: 'pending'; readonly key: string; readonly pending: Pending; readonly continues: boolean }

export const keyOfMessage = (sequence: number): string => `m${sequence}`

/** A pause of this length starts a new group. */
const GROUP_MS = 5 * 60_000

/** @param unreadAfter the last sequence read before this visit; null: no divider */
export function rowsOf(messages: readonly Message[], pending: readonly Pending[], unreadAfter: number | null, ownId: number): Row[] {
  const rows: Row[] = []
  let before: Message | null = null
  for (const message of messages) {
    const startsDay = before === null || localDay(before.time) !== localDay(message.time)
    const startsUnread = unreadAfter !== null && message.sequence > unreadAfter && (before === null || before.sequence <= unreadAfter)
    if (startsDay) rows.push({ kind: 'day', key: `day-${localDay(message.time)}`, time: message.time })
    if (startsUnread) rows.push({ kind: 'unread', key: 'unread' })
    const continues = !startsDay && !startsUnread && joins(before!, message)
    rows.push({ kind: 'message', key: keyOfMessage(message.sequence), message, continues })
    before = message
  }
  for (const one of pending) {
    const last = rows.at(-1)
    const after = last?.kind === 'pending' || (last?.kind === 'message' && last.message.userId === ownId && one.at - last.message.time < GROUP_MS)
    rows.push({ kind: 'pending', key: `p${one.clientMessageId}`, pending: one, continues: after && one.replyTo === null })
  }
  return rows
}

function joins(before: Message, message: Message): boolean {
  return before.userId === message.userId && message.time - before.time < GROUP_MS && message.replyTo === null && !before.deleted && !message.deleted
}
