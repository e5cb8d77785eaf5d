/**
 * The loaded messages of a room: an unbroken run of sequences. Its length is limited, so that a page with ten thousand
 * messages stays as fast as one with ten. Pure: each function returns a new timeline.
 */
import type { Message } from './types'

/** Beyond this number, messages are dropped at the end that is out of view. */
export const MOST_KEPT = 300

export interface Timeline {
  /** Ascending by sequence, without gaps. */
  readonly messages: readonly Message[]
  /** The newest known sequence of the room, whether or not its message is loaded. */
  readonly newest: number
  readonly hasOlder: boolean
}

/** @param page an unbroken run in any order; `hasOlder`: whether the room has messages before it */
export function opened(page: readonly Message[], newest: number, hasOlder: boolean): Timeline {
  const messages = sorted(page)
  return { messages, newest: Math.max(newest, messages.at(-1)?.sequence ?? 0), hasOlder }
}

export const firstSequence = (timeline: Timeline): number => timeline.messages[0]?.sequence ?? timeline.newest + 1
export const lastSequence = (timeline: Timeline): number => timeline.messages.at(-1)?.sequence ?? timeline.newest

/** Whether the room's newest message is loaded. */
export const isAtEnd = (timeline: Timeline): boolean => lastSequence(timeline) >= timeline.newest

/** Add an older page before the loaded messages; drop the excess at the newer end. */
export function withOlder(timeline: Timeline, page: readonly Message[], hasOlder: boolean): Timeline {
  const first = firstSequence(timeline)
  const older = sorted(page).filter((message) => message.sequence < first)
  const messages = [...older, ...timeline.messages].slice(0, MOST_KEPT)
  return { ...timeline, messages, hasOlder }
}

/** Add a newer page after the loaded messages; drop the excess at the older end. */
export function withNewer(timeline: Timeline, page: readonly Message[]): Timeline {
  const last = lastSequence(timeline)
  const newer = sorted(page).filter((message) => message.sequence > last)
  return keepNewest({
    ...timeline,
    messages: [...timeline.messages, ...newer],
    newest: Math.max(timeline.newest, newer.at(-1)?.sequence ?? 0),
  })
}

/**
 * Add a message that was just sent to the room.
 *
 * @param following whether the reader is at the end: only then may old messages be dropped
 */
export function received(timeline: Timeline, message: Message, following: boolean): Timeline {
  const { sequence } = message
  const newest = Math.max(timeline.newest, sequence)
  if (sequence <= lastSequence(timeline)) return changed({ ...timeline, newest }, message.messageId, () => message)
  const isNext = sequence === lastSequence(timeline) + 1
  const hasRoom = timeline.messages.length < MOST_KEPT || following
  if (!isNext || !hasRoom) return { ...timeline, newest }
  return keepNewest({ ...timeline, messages: [...timeline.messages, message], newest })
}

/** Change one message; returns the same timeline if it is not loaded. */
export function changed(timeline: Timeline, messageId: number, change: (message: Message) => Message): Timeline {
  const at = timeline.messages.findIndex((message) => message.messageId === messageId)
  if (at < 0) return timeline
  return { ...timeline, messages: timeline.messages.with(at, change(timeline.messages[at]!)) }
}

/** Update the quote in every reply to a message. */
export function quoting(timeline: Timeline, messageId: number, excerpt: string): Timeline {
  if (!timeline.messages.some((message) => message.reply?.messageId === messageId)) return timeline
  const messages = timeline.messages.map((message) =>
    message.reply?.messageId === messageId ? { ...message, reply: { ...message.reply, excerpt } } : message,
  )
  return { ...timeline, messages }
}

/** Give an author a new name, in quotes too. */
export function renamed(timeline: Timeline, userId: number, username: string): Timeline {
  return { ...timeline, messages: timeline.messages.map((message) => withAuthor(message, userId, username)) }
}

export function withAuthor(message: Message, userId: number, username: string): Message {
  const isAuthor = message.userId === userId && message.username !== username
  const isQuoted = message.reply?.userId === userId && message.reply.username !== username
  if (!isAuthor && !isQuoted) return message
  return { ...message, ...(isAuthor && { username }), ...(isQuoted && { reply: { ...message.reply!, username } }) }
}

function keepNewest(timeline: Timeline): Timeline {
  const surplus = timeline.messages.length - MOST_KEPT
  if (surplus <= 0) return timeline
  return { ...timeline, messages: timeline.messages.slice(surplus), hasOlder: true }
}

function sorted(page: readonly Message[]): Message[] {
  const bySequence = new Map(page.map((message) => [message.sequence, message]))
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence)
}
