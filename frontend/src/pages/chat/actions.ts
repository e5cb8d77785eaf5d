/** Actions on messages and rooms, other than sending. */
import type { Chat } from './chat'
import type { Pending } from './model/outbox'
import type { Message, Role } from './model/types'
import { textOf } from './model/wire'
import type { Room } from './room'
import type { ChatUi } from './ui'

export class ChatActions {
  constructor(
    private readonly chat: Chat,
    private readonly ui: ChatUi,
  ) {}

  react(message: Message, emoji: string): Promise<boolean> {
    const own = message.reactions.find((reaction) => reaction.emoji === emoji)?.userIds.includes(this.chat.me.id) ?? false
    return this.command('react', { message_id: message.messageId, emoji, on: !own })
  }

  edit(message: Message, text: string): Promise<boolean> {
    return this.command('edit_message', { message_id: message.messageId, text })
  }

  remove(message: Message): Promise<boolean> {
    return this.command('delete_message', { message_id: message.messageId })
  }

  pin(message: Message, on: boolean): Promise<boolean> {
    return this.command('pin', { message_id: message.messageId, on })
  }

  /** Put an unsent message back into its room's composer, whether or not the user may still write there. */
  takeBack({ room, text, reply, attachments, clientMessageId }: Pending): void {
    this.chat.outbox.discard(clientMessageId)
    this.chat.drafts.putBack(room, text)
    this.chat.uploadsOf(room).putBack(attachments)
    if (reply) this.ui.replying.set(room, reply)
    this.ui.takenBack.value = { room }
  }

  typing(room: Room): void {
    // A lost typing notice does no harm, so failures are ignored.
    this.chat.connection.command('typing', { room: room.slug }).catch(() => undefined)
  }

  /** Join a public room and open it. */
  async join(slug: string): Promise<boolean> {
    const done = await this.command('join_room', { room: slug })
    if (done) await this.chat.directory.load()
    return done
  }

  leave(room: Room): Promise<boolean> {
    return this.command('leave_room', { room: room.slug })
  }

  /** The slug of the direct room with a user, created if necessary; null if refused. */
  async direct(userId: number): Promise<string | null> {
    let slug = ''
    const done = await this.ui.attempt(async () => {
      slug = textOf((await this.chat.connection.command('open_direct', { user_id: userId })).room)
    })
    if (!done || slug === '') return null
    if (!this.chat.directory.rooms.has(slug)) await this.chat.directory.load()
    return slug
  }

  /** The slug of the new room, or null if refused. */
  async create(fields: { name: string; kind: string; topic: string }): Promise<string | null> {
    let slug = ''
    const done = await this.ui.attempt(async () => (slug = await this.chat.api.createRoom(fields)))
    if (done) await this.chat.directory.load()
    return done ? slug : null
  }

  change(room: Room, fields: object): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.changeRoom(room.slug, fields))
  }

  deleteRoom(room: Room): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.deleteRoom(room.slug))
  }

  addMember(room: Room, userId: number): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.addMember(room.slug, userId, 'member'))
  }

  setRole(room: Room, userId: number, role: Role): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.changeMember(room.slug, userId, { role }))
  }

  /** @param until RFC 3339; null unmutes */
  mute(room: Room, userId: number, until: string | null): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.changeMember(room.slug, userId, { muted_until: until }))
  }

  removeMember(room: Room, userId: number): Promise<boolean> {
    return this.ui.attempt(() => this.chat.api.removeMember(room.slug, userId))
  }

  private command(action: string, fields: Readonly<Record<string, unknown>>): Promise<boolean> {
    return this.ui.attempt(() => this.chat.connection.command(action, fields))
  }
}

