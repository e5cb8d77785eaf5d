/** The state of the chat page: which rooms exist, which one is open, which messages are being sent. */
import { computed, ref, shallowReactive, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Boot } from '@/lib/boot'
import { correctClock } from '@/lib/clock-display'
import { newId } from '@/lib/ids'
import { Kept } from '@/lib/kept'
import { openConnection, type Connection, type ConnectionState, type Frame } from '@/lib/socket'
import { Listeners } from '@/lib/socket/listeners'

import { Attention } from './attention'
import { CardWatch } from './cards'
import { CaughtUp } from './caught-up'
import { RoomDirectory } from './directory'
import { HistoryPages } from './history'
import { Drafts, StoredOutbox } from './model/drafts'
import { Edits, type Edit } from './model/edits'
import { Outbox, type Draft, type Pending } from './model/outbox'
import type { Attachment } from './model/types'
import { numberOf, recordOf, textOf } from './model/wire'
import { roomTitle } from './model/room-title'
import { Reading } from './reading'
import { ChatApi, type Person } from './rest'
import type { Room } from './room'
import { Uploads } from './uploads'

export type Renamed = Person

export interface LeftBehind {
  /** The title of the room. */
  readonly room: string
  readonly text: string
  /** The names of chosen files. */
  readonly files: readonly string[]
}

const TICK_MS = 1_000
const ROOM_FRAMES = [
  'chat_message', 'message_edited', 'message_deleted', 'reaction_changed', 'pin_changed',
  'member_joined', 'member_updated', 'member_left', 'room_updated', 'messages_expired',
]

export class Chat {
  readonly directory: RoomDirectory
  /** Everybody else in the workspace, by username. */
  readonly people: ShallowRef<readonly Person[]> = shallowRef([])
  readonly openSlug: Ref<string | null> = ref(null)
  readonly open: ComputedRef<Room | null> = computed(() => (this.openSlug.value === null ? null : (this.directory.rooms.get(this.openSlug.value) ?? null)))
  readonly connectionState: ShallowRef<ConnectionState>
  readonly pending: ShallowRef<readonly Pending[]> = shallowRef([])
  /** When the server was last heard from, by the server's clock. */
  readonly updatedAt: Ref<number | null> = ref(null)
  readonly connection: Connection
  readonly api: ChatApi
  readonly cards: CardWatch
  readonly history: HistoryPages
  readonly reading: Reading
  readonly caughtUp: CaughtUp
  readonly attention: Attention
  readonly drafts: Drafts
  readonly outbox: Outbox
  readonly edits: Edits
  /** What is not sent yet, over a reload. */
  readonly kept: Kept
  readonly renamed = new Listeners<Renamed>()
  /** Edits whose messages are gone: their texts are in the room's draft. */
  readonly withdrawn = new Listeners<readonly Edit[]>()
  /** A room is gone, and something for it was not sent: its text is in the room's draft. */
  readonly leftBehind = new Listeners<LeftBehind>()
  readonly me: { readonly id: number; username: string }
  readonly workspace: string | null
  readonly permissions: readonly string[]
  private readonly uploads = new Map<string, Uploads>()
  private readonly stored: StoredOutbox
  private wasLive = false

  constructor(boot: Boot) {
    this.me = shallowReactive({ id: boot.user.id, username: boot.user.username })
    this.workspace = boot.workspace?.slug ?? null
    this.permissions = boot.permissions
    this.connection = openConnection('/ws/chat/', this.workspace)
    this.connectionState = shallowRef(this.connection.state)
    this.api = new ChatApi(this.workspace)
    this.directory = new RoomDirectory(this.connection, this.api, this.me.id, this.permissions)
    this.cards = new CardWatch(this.connection)
    this.history = new HistoryPages(this.connection)
    this.reading = new Reading(this.connection, () => this.open.value)
    this.caughtUp = new CaughtUp()
    this.attention = new Attention(this.connection)
    const key = `pitwall.chat.${this.workspace ?? ''}.${this.me.id}`
    this.kept = new Kept(key)
    this.drafts = new Drafts(key, this.kept)
    this.edits = new Edits({ read: () => this.kept.read<Edit[]>('edits') ?? [], write: (edits) => void this.kept.write('edits', edits) })
    const stored = (this.stored = new StoredOutbox(this.kept))
    this.outbox = new Outbox(
      {
        send: (fields) => this.connection.command('send_message', fields),
        now: () => this.serverNow(),
        newId,
        random: Math.random,
        later: (delayMs, run) => void setTimeout(run, delayMs),
        changed: (all) => {
          this.pending.value = all
          stored.write(all)
        },
      },
      stored.read(),
    )
    this.pending.value = this.outbox.pending
    this.listen()
    setInterval(() => this.tick(), TICK_MS)
    // When a room is left, it is no longer open.
    watch(this.open, (room, before) => {
      if (before && !room && this.openSlug.value === before.slug) this.openSlug.value = null
    })
    void this.directory.load()
  }

  /** Now by the server's clock, in milliseconds. */
  serverNow(): number {
    return this.connection.serverNow
  }

  // --- User actions ---------------------------------------------------------------------------

  show(slug: string | null): void {
    if (slug === this.openSlug.value) return
    this.openSlug.value = slug
    const room = this.open.value
    if (!room) return
    this.directory.follow(room.slug)
    room.visit()
    if (room.timeline.value && !room.isAtEnd) void this.history.newest(room)
    this.reading.look()
  }

  /** Scroll to a message, loading it first if necessary. */
  async jump(room: Room, sequence: number): Promise<void> {
    const isAtHand = room.timeline.value?.messages.some((message) => message.sequence === sequence)
    if (!isAtHand) {
      room.isFollowing = false
      if (!(await this.history.around(room, sequence))) return
    }
    room.target.value = { sequence }
  }

  /** Like `jump`, for a room that may still be opening. */
  async jumpWhenReady(room: Room, sequence: number): Promise<void> {
    if (room.timeline.value) return this.jump(room, sequence)
    const stop = watch(room.timeline, (timeline) => {
      if (!timeline) return
      stop()
      void this.jump(room, sequence)
    })
  }

  /** Load the people in the workspace. Until they are loaded, the members of the rooms are offered. */
  async loadPeople(): Promise<void> {
    try {
      this.people.value = (await this.api.people()).filter((person) => person.userId !== this.me.id)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }

  /** Whether something would be lost with the page: files on their way, or messages that the browser does not store. */
  get hasUnkept(): boolean {
    return !this.stored.isStored || [...this.uploads.values()].some((uploads) => uploads.hasUnsent)
  }

  /** The files for a room's next message. */
  uploadsOf(slug: string): Uploads {
    const known = this.uploads.get(slug)
    if (known) return known
    const name = `files.${slug}`
    const ports = {
      send: (file: File, progress: (share: number) => void) => this.api.attach(slug, file, progress),
      keep: (attachments: readonly Attachment[]) => void this.kept.write(name, attachments.length > 0 ? attachments : null),
    }
    const uploads = new Uploads(ports, this.kept.read<Attachment[]>(name) ?? [])
    this.uploads.set(slug, uploads)
    return uploads
  }

  send(draft: Draft): void {
    this.outbox.add(draft)
    const room = this.directory.rooms.get(draft.room)
    if (room && !room.isAtEnd) void this.history.newest(room)
  }

  // --- Frames from the server -----------------------------------------------------------------

  private listen(): void {
    const { connection, directory } = this
    for (const type of ROOM_FRAMES) connection.on(type, (frame) => this.roomFrame(frame))
    connection.on('room_snapshot', (frame) => this.snapshot(frame))
    connection.on('subscription_confirmed', (frame) => this.confirmed(frame))
    connection.on('read_marker', (frame) => {
      if (numberOf(frame.user_id) === this.me.id) directory.of(frame)?.readMarker(frame)
    })
    connection.on('typing', (frame) => directory.of(frame)?.typed(frame, this.serverNow()))
    connection.on('user_joined', (frame) => directory.of(frame)?.userCame(numberOf(frame.user_id), true))
    connection.on('user_left', (frame) => directory.of(frame)?.userCame(numberOf(frame.user_id), false))
    connection.on('user_away', (frame) => directory.of(frame)?.userTurned(numberOf(frame.user_id), frame.on === true))
    connection.on('user_updated', (frame) => this.userUpdated(frame))
    connection.on('connection_established', (frame) => (this.me.username = textOf(recordOf(frame.user).username) || this.me.username))
    directory.gone.add((room) => this.roomGone(room))
    connection.on('pong', () => correctClock(connection.clock.offsetMs))
    connection.on('*', () => (this.updatedAt.value = this.serverNow()))
    connection.onState((state) => this.connectionChanged(state))
  }

  private roomFrame(frame: Frame): void {
    const room = this.directory.of(frame)
    const message = room?.event(frame)
    if (!room) return
    if (!message) return this.withdrawEdits(room)
    if (message.userId !== this.me.id) this.caughtUp.arrived(message.time)
    this.outbox.arrived(room.slug, message.sequence, message.userId === this.me.id ? message.clientMessageId : null)
    if (room === this.open.value) this.reading.look()
  }

  private snapshot(frame: Frame): void {
    const room = this.directory.of(frame)
    room?.snapshot(frame)
    if (!room) return
    this.outbox.covered(room.slug, room.counts.value.newest)
    this.withdrawEdits(room)
    if (room !== this.open.value) return
    room.visit()
    this.reading.look()
  }

  /** Somebody of the workspace has another name. Rooms that are followed hear of it in their streams as well. */
  private userUpdated(frame: Frame): void {
    const renamed = { userId: numberOf(frame.user_id), username: textOf(frame.username), name: textOf(frame.name) }
    for (const room of this.directory.rooms.values()) room.event({ ...frame, type: 'user_updated' })
    this.people.value = this.people.value.map((person) => (person.userId === renamed.userId ? renamed : person))
    if (renamed.userId === this.me.id) this.me.username = renamed.username
    this.renamed.call(renamed)
  }

  /** What was typed into the editors of messages that are gone goes to the room's draft. */
  private withdrawEdits(room: Room): void {
    const { value: timeline } = room.timeline
    if (!timeline || this.edits.all.size === 0) return
    const edits = this.edits.withdraw(room.slug, timeline.messages, timeline.hasOlder)
    for (const { text } of edits) this.drafts.putBack(room.slug, text)
    if (edits.length > 0) this.withdrawn.call(edits)
  }

  /** Nobody sees the messages any more that wait for a room which is gone. */
  private roomGone(room: Room): void {
    for (const one of this.outbox.pending.filter((pending) => pending.room === room.slug && pending.state !== 'sent')) {
      this.outbox.discard(one.clientMessageId)
      this.drafts.putBack(room.slug, one.text)
    }
    for (const { messageId } of this.edits.of(room.slug)) this.drafts.putBack(room.slug, this.edits.end(messageId)?.text ?? '')
    const text = this.drafts.text(room.slug)
    const files = this.uploads.get(room.slug)?.items.map(({ name }) => name) ?? []
    if (text.trim() !== '' || files.length > 0) this.leftBehind.call({ room: roomTitle(room.info.value), text, files })
  }

  private confirmed(frame: Frame): void {
    const positions = recordOf(frame.positions)
    for (const [slug, fields] of Object.entries(recordOf(frame.rooms))) {
      const room = this.directory.rooms.get(slug)
      if (!room || positions[room.stream] === undefined) continue
      room.confirmed(recordOf(fields))
    }
    this.reading.look()
  }

  private connectionChanged(state: ConnectionState): void {
    const wasLive = this.connectionState.value.kind === 'live'
    this.connectionState.value = state
    this.outbox.connectionChanged(state.kind === 'live')
    if (state.kind === 'live') {
      this.caughtUp.connected(this.serverNow())
      if (this.wasLive) void this.directory.load()
      this.wasLive = true
    } else if (wasLive) this.caughtUp.lost()
  }

  private tick(): void {
    const now = this.serverNow()
    for (const room of this.directory.rooms.values()) room.tick(now)
  }
}
