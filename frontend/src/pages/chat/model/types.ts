/** The page's data types for chat. Times are milliseconds since 1970 on the server's clock. */

export type RoomKind = 'public' | 'private' | 'direct'
export type Role = 'owner' | 'moderator' | 'member' | 'read_only'
/** Which messages in a room cause notifications. */
export type NotifyLevel = 'all' | 'mentions' | 'none'
export type Presence = 'online' | 'away' | 'offline'

export interface Member {
  readonly userId: number
  readonly username: string
  /** The display name; may be empty. */
  readonly name: string
  readonly role: Role
  /** The time until which this member may not post, or null. */
  readonly mutedUntil: number | null
}

/** A room from this user's point of view. */
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
  /** The other user of a direct room. */
  readonly peer: { readonly userId: number; readonly username: string } | null
  /** The time of its newest message, or null. */
  readonly lastAt: number | null
}

export interface Reaction {
  readonly emoji: string
  readonly userIds: readonly number[]
  /** The number of all reactions; `userIds` may be incomplete. */
  readonly count: number
}

export interface Attachment {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly contentType: string
  /** Whether it is an image that is shown inline; anything else is a download. */
  readonly inline: boolean
  readonly url: string
  /** The size of an image in pixels, or null. */
  readonly width: number | null
  readonly height: number | null
}

/** The quote of the message that a reply answers. */
export interface Quote {
  readonly messageId: number
  readonly sequence: number
  readonly userId: number
  readonly username: string
  /** Empty if the message is deleted. */
  readonly excerpt: string
}

export interface CardReference {
  readonly kind: string
  readonly reference: string
}

/** The state of a card, by its kind; null if it is gone or this user may not see it. */
export type CardState = Readonly<Record<string, unknown>> | null

export interface Card extends CardReference {
  /** The state at the time of posting. */
  readonly state: CardState
  readonly at: number
}

export interface Message {
  readonly messageId: number
  /** The room's messages are numbered from 1 without gaps. */
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
  /** The message mentions everybody in the room. */
  readonly mentionsAll: boolean
  readonly replyTo: number | null
  readonly reply: Quote | null
  readonly card: Card | null
  readonly clientMessageId: string | null
}
