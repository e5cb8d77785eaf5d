/** The durable events of a room, and how each changes the loaded messages. Pure. */
import type { Frame } from '@/lib/socket/frames'

import { changed, quoting, received, renamed, type Timeline } from './timeline'
import type { Message, Reaction } from './types'
import { messageOf, numberOf, numbersOf, textOf, timeOf } from './wire'

export type MessageEvent =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'renamed'; readonly userId: number; readonly username: string }
  | { readonly kind: 'changed'; readonly messageId: number; readonly change: (message: Message) => Message; readonly excerpt: string | null }

const EXCERPT_LENGTH = 140

/** The event in a frame, or null if the frame contains none. */
export function eventOf(frame: Frame): MessageEvent | null {
  const messageId = numberOf(frame.message_id)
  switch (frame.type) {
    case 'chat_message':
      return { kind: 'message', message: messageOf(frame) }
    case 'message_edited':
      return { kind: 'changed', messageId, change: edited(frame), excerpt: textOf(frame.message).slice(0, EXCERPT_LENGTH) }
    case 'message_deleted':
      return { kind: 'changed', messageId, change: deleted, excerpt: '' }
    case 'reaction_changed':
      return { kind: 'changed', messageId, change: reacted(frame), excerpt: null }
    case 'pin_changed':
      return { kind: 'changed', messageId, change: (message) => ({ ...message, pinned: frame.on === true }), excerpt: null }
    case 'user_updated':
      return { kind: 'renamed', userId: numberOf(frame.user_id), username: textOf(frame.username) }
    default:
      return null
  }
}

/** @param following whether the reader is at the end of the room */
export function applied(timeline: Timeline, event: MessageEvent, following: boolean): Timeline {
  if (event.kind === 'message') return received(timeline, event.message, following)
  if (event.kind === 'renamed') return renamed(timeline, event.userId, event.username)
  const next = changed(timeline, event.messageId, event.change)
  return event.excerpt === null ? next : quoting(next, event.messageId, event.excerpt)
}

function edited(frame: Frame): (message: Message) => Message {
  return (message) => ({
    ...message,
    text: textOf(frame.message),
    html: textOf(frame.html),
    editedAt: timeOf(frame.edited_at),
    mentions: numbersOf(frame.mentions),
    mentionsAll: frame.mentions_all === true,
  })
}

/** A deleted message keeps its place and loses everything else. */
function deleted(message: Message): Message {
  return { ...message, text: '', html: '', deleted: true, pinned: false, reactions: [], attachments: [], mentions: [], mentionsAll: false, card: null, reply: null, replyTo: null }
}

function reacted(frame: Frame): (message: Message) => Message {
  const emoji = textOf(frame.emoji)
  return (message) => {
    const reactions = toggled(message.reactions, emoji, numberOf(frame.user_id), frame.on === true)
    // The server counts all reactions; the page may know only some of the users.
    const counted = reactions.map((reaction) => (reaction.emoji === emoji ? { ...reaction, count: numberOf(frame.count, reaction.count) } : reaction))
    return { ...message, reactions: counted.filter((reaction) => reaction.count > 0) }
  }
}

/** Add or remove one user's reaction. */
export function toggled(reactions: readonly Reaction[], emoji: string, userId: number, on: boolean): readonly Reaction[] {
  const known = reactions.find((reaction) => reaction.emoji === emoji)
  const has = known?.userIds.includes(userId) ?? false
  if (on === has) return reactions
  if (!known) return [...reactions, { emoji, userIds: [userId], count: 1 }]
  const userIds = on ? [...known.userIds, userId] : known.userIds.filter((id) => id !== userId)
  const count = known.count + (on ? 1 : -1)
  return reactions.map((reaction) => (reaction === known ? { emoji, userIds, count } : reaction)).filter((reaction) => reaction.count > 0)
}
