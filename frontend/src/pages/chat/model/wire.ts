/** Converts wire formats into the page's data types. Unknown fields are ignored, missing ones have defaults. */
import { isRecord } from '@/lib/socket/frames'
import { parseTime } from '@/lib/time'

import type { Attachment, Card, CardState, Member, Message, NotifyLevel, Quote, Reaction, Role, RoomInfo, RoomKind } from './types'
import type { ReadState } from './unread'

type Fields = Readonly<Record<string, unknown>>

export const recordOf = (value: unknown): Fields => (isRecord(value) ? value : {})
export const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isRecord) : [])
export const numberOf = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise)
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const numbersOf = (value: unknown): number[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [])

/** Milliseconds, or null if there is no valid time. */
export function timeOf(value: unknown): number | null {
  const ms = parseTime(textOf(value))
  return Number.isFinite(ms) ? ms : null
}

/** A message in a push, a page of history, or a REST response. */
export function messageOf(fields: Fields): Message {
  return {
    messageId: numberOf(fields.message_id),
    sequence: numberOf(fields.sequence),
    userId: numberOf(fields.user_id),
    username: textOf(fields.username),
    system: fields.system === true,
    text: textOf(fields.message),
    html: textOf(fields.html),
    time: timeOf(fields.timestamp) ?? 0,
    editedAt: timeOf(fields.edited_at),
    deleted: fields.deleted === true,
    pinned: fields.pinned === true,
    reactions: listOf(fields.reactions).map(reactionOf),
    attachments: listOf(fields.attachments).map(attachmentOf),
    mentions: numbersOf(fields.mentions),
    mentionsAll: fields.mentions_all === true,
    replyTo: typeof fields.reply_to === 'number' ? fields.reply_to : null,
    reply: isRecord(fields.reply) ? quoteOf(fields.reply) : null,
    card: isRecord(fields.card) ? cardOf(fields.card) : null,
    clientMessageId: typeof fields.client_message_id === 'string' ? fields.client_message_id : null,
  }
}

function reactionOf(fields: Fields): Reaction {
  const userIds = numbersOf(fields.user_ids)
  return { emoji: textOf(fields.emoji), userIds, count: numberOf(fields.count, userIds.length) }
}

export function attachmentOf(fields: Fields): Attachment {
  return {
    id: numberOf(fields.id),
    name: textOf(fields.name),
    size: numberOf(fields.size),
    contentType: textOf(fields.content_type),
    inline: fields.inline === true,
    url: textOf(fields.url),
    width: typeof fields.width === 'number' ? fields.width : null,
    height: typeof fields.height === 'number' ? fields.height : null,
  }
}

export const cardStateOf = (value: unknown): CardState => (isRecord(value) ? value : null)

function quoteOf(fields: Fields): Quote {
  return {
    messageId: numberOf(fields.message_id),
    sequence: numberOf(fields.sequence),
    userId: numberOf(fields.user_id),
    username: textOf(fields.username),
    excerpt: textOf(fields.excerpt),
  }
}

function cardOf(fields: Fields): Card {
  return { kind: textOf(fields.kind), reference: textOf(fields.reference), state: cardStateOf(fields.state), at: timeOf(fields.at) ?? 0 }
}

const ROLES: readonly Role[] = ['owner', 'moderator', 'member', 'read_only']
const LEVELS: readonly NotifyLevel[] = ['all', 'mentions', 'none']
const KINDS: readonly RoomKind[] = ['public', 'private', 'direct']

export const roleOf = (value: unknown): Role | null => ROLES.find((role) => role === value) ?? null
const kindOf = (value: unknown): RoomKind => KINDS.find((kind) => kind === value) ?? 'public'

export function memberOf(fields: Fields): Member {
  return {
    userId: numberOf(fields.user_id),
    username: textOf(fields.username),
    name: textOf(fields.name),
    role: roleOf(fields.role) ?? 'member',
    mutedUntil: timeOf(fields.muted_until),
  }
}

/** A room from this user's point of view (RoomSummary). */
export function roomOf(fields: Fields): RoomInfo {
  return {
    slug: textOf(fields.slug),
    name: textOf(fields.name),
    topic: textOf(fields.topic),
    kind: kindOf(fields.kind),
    archived: fields.archived === true,
    retentionDays: typeof fields.retention_days === 'number' ? fields.retention_days : null,
    role: roleOf(fields.role),
    memberCount: numberOf(fields.member_count),
    mayPost: fields.may_post === true,
    notify: LEVELS.find((level) => level === fields.notify) ?? 'mentions',
    mutedUntil: timeOf(fields.muted_until),
    peer: typeof fields.user_id === 'number' ? { userId: fields.user_id, username: textOf(fields.username) } : null,
    lastAt: timeOf(recordOf(fields.last_message).timestamp),
  }
}

/** The unread state of a room, from a summary or a confirmed subscription. */
export function readStateOf(fields: Fields): ReadState {
  return {
    newest: numberOf(fields.head_sequence),
    read: numberOf(fields.read_sequence),
    unread: numberOf(fields.unread),
    mentions: numberOf(fields.mentions),
  }
}
