/** The unread state of a room. Pure. */
import type { Timeline } from './timeline'
import type { Message } from './types'

export interface ReadState {
  /** The room's newest sequence. */
  readonly newest: number
  /** The last sequence this user has read. */
  readonly read: number
  /** Messages from others after `read`. */
  readonly unread: number
  /** How many of these mention this user. */
  readonly mentions: number
}

export const NOTHING_READ: ReadState = { newest: 0, read: 0, unread: 0, mentions: 0 }

/** A new message has arrived in the room. */
export function arrived(state: ReadState, message: Message, ownId: number): ReadState {
  if (message.sequence <= state.newest) return state
  const newest = message.sequence
  const counts = message.userId !== ownId && message.sequence > state.read && !message.deleted
  if (!counts) return { ...state, newest }
  const isMention = names(message, ownId)
  return { ...state, newest, unread: state.unread + 1, mentions: state.mentions + (isMention ? 1 : 0) }
}

/**
 * This user has read up to `sequence`, here or elsewhere.
 *
 * @param left what is still unread, from the server or counted from the loaded messages; null: unknown
 */
export function readUpTo(state: ReadState, sequence: number, left: { unread: number; mentions: number } | null): ReadState {
  if (sequence < state.read) return state
  const read = sequence
  if (read >= state.newest) return { ...state, read, unread: 0, mentions: 0 }
  const unread = Math.min(left?.unread ?? state.unread, state.newest - read)
  return { ...state, read, unread, mentions: Math.min(left?.mentions ?? state.mentions, unread) }
}

/**
 * Count the unread messages among the loaded ones; null if these do not cover `read` to the newest.
 *
 * @param hasOlder whether the room has messages before the loaded ones
 */
export function countAfter({ messages, hasOlder }: Pick<Timeline, 'messages' | 'hasOlder'>, read: number, newest: number, ownId: number): { unread: number; mentions: number } | null {
  const reachesBack = !hasOlder || (messages[0]?.sequence ?? Infinity) <= read + 1
  if (!reachesBack || (messages.at(-1)?.sequence ?? (hasOlder ? 0 : newest)) < newest) return null
  const after = messages.filter((message) => message.sequence > read && message.userId !== ownId && !message.deleted)
  return { unread: after.length, mentions: after.filter((message) => names(message, ownId)).length }
}

/** Whether a message mentions this user, by name or with everybody. */
export const names = (message: Message, userId: number): boolean => message.mentionsAll || message.mentions.includes(userId)
