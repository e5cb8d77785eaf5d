/** Chat as the page knows it. Times are milliseconds since 1970 on the server's clock. */

export type RoomKind = 'public' | 'private' | 'direct'
export type Role = 'owner' | 'moderator' | 'member' | 'read_only'
/** Of what in a room one is told outside of it. */
export type NotifyLevel = 'all' | 'mentions' | 'none'
export type Presence = 'online' | 'away' | 'offline'

export interface Member {
  readonly userId: number
  readonly username: string
  /** As they want to be called; may be empty. */
  readonly name: string
  readonly role: Role
  /** Until when this member may not post, or null. */
  readonly mutedUntil: number | null
}

/** A room as this user has it. */
export interface RoomInfo {
  readonly slug: string
  readonly name: string
  readonly topic: string
  readonly kind: RoomKind
  readonly archived: boolean
  readonly retentionDays: number | null
  /** Null: a public room that this user has not joined. */
  readonly role: Role | null
  readonly memberCount: number
  readonly mayPost: boolean
  readonly notify: NotifyLevel
  readonly mutedUntil: number | null
  /** The other one of a direct room. */
  readonly peer: { readonly userId: number; readonly username: string } | null
  /** When its newest message came, or null. */
  readonly lastAt: number | null
}

export interface Reaction {
  readonly emoji: string
  readonly userIds: readonly number[]
  /** All who reacted; `userIds` may name only some of them. */
  readonly count: number
}

export interface Attachment {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly contentType: string
  /** An image that is shown in place; anything else is a download. */
  readonly inline: boolean
  readonly url: string
  /** Pixels of an image, or null. */
  readonly width: number | null
  readonly height: number | null
}

/** What a reply shows of the message it answers. */
export interface Quote {
  readonly messageId: number
  readonly sequence: number
  readonly username: string
  /** Empty when the message is deleted. */
  readonly excerpt: string
}

export interface CardReference {
  readonly kind: string
  readonly reference: string
}

/** The state of a card, by its kind; null where it is gone or not visible to this user. */
export type CardState = Readonly<Record<string, unknown>> | null

export interface Card extends CardReference {
  /** As it was when it was posted. */
  readonly state: CardState
  readonly at: number
}

export interface Message {
  readonly messageId: number
  /** Numbers the room's messages from 1 without holes. */
  readonly sequence: number
  readonly userId: number
  readonly username: string
  /** No user wrote it but Pitwall itself. */
  readonly system: boolean
  readonly text: string
  /** Rendered and sanitised by the server. */
  readonly html: string
  readonly time: number
  readonly editedAt: number | null
  readonly deleted: boolean
  readonly pinned: boolean
  readonly reactions: readonly Reaction[]
  readonly attachments: readonly Attachment[]
  readonly mentions: readonly number[]
  /** Everybody in the room is meant. */
  readonly mentionsAll: boolean
  readonly replyTo: number | null
  readonly reply: Quote | null
  readonly card: Card | null
  readonly clientMessageId: string | null
}
