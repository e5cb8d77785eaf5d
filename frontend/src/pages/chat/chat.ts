/** The state of the chat page: which rooms exist, which one is open, which messages are being sent. */
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Boot } from '@/lib/boot'
import { correctClock } from '@/lib/clock-display'
import { newId } from '@/lib/ids'
import { openConnection, type Connection, type ConnectionState, type Frame } from '@/lib/socket'

import { Attention } from './attention'
import { CardWatch } from './cards'
import { CaughtUp } from './caught-up'
import { RoomDirectory } from './directory'
import { HistoryPages } from './history'
import { Drafts, StoredOutbox } from './model/drafts'
import { Outbox, type Draft, type Pending } from './model/outbox'
import { numberOf, recordOf } from './model/wire'
import { Reading } from './reading'
import { ChatApi, type Person } from './rest'
import type { Room } from './room'
import { Uploads } from './uploads'

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
  readonly me: { readonly id: number; readonly username: string }
  readonly workspace: string | null
  readonly permissions: readonly string[]
  private readonly uploads = new Map<string, Uploads>()
  private wasLive = false

  constructor(boot: Boot) {
    this.me = boot.user
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
    this.drafts = new Drafts(key)
    const stored = new StoredOutbox(`${key}.outbox`)
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

  /** The files for a room's next message; kept as long as the page is open. */
  uploadsOf(slug: string): Uploads {
    const uploads = this.uploads.get(slug) ?? new Uploads(this.api, slug)
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
    connection.on('pong', () => correctClock(connection.clock.offsetMs))
    connection.on('*', () => (this.updatedAt.value = this.serverNow()))
    connection.onState((state) => this.connectionChanged(state))
  }

  private roomFrame(frame: Frame): void {
    const room = this.directory.of(frame)
    const message = room?.event(frame)
    if (!room || !message) return
    if (message.userId !== this.me.id) this.caughtUp.arrived(message.time)
    this.outbox.arrived(room.slug, message.sequence, message.userId === this.me.id ? message.clientMessageId : null)
    if (room === this.open.value) this.reading.look()
  }

  private snapshot(frame: Frame): void {
    const room = this.directory.of(frame)
    room?.snapshot(frame)
    if (!room) return
    this.outbox.covered(room.slug, room.counts.value.newest)
    if (room !== this.open.value) return
    room.visit()
    this.reading.look()
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
