/** The state of the chat page: which rooms there are, which one is open, what is on its way. */
import { computed, ref, shallowReactive, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Boot } from '@/lib/boot'
import { correctClock } from '@/lib/clock-display'
import { openConnection, type Connection, type ConnectionState, type Frame } from '@/lib/socket'

import { Attention } from './attention'
import { CardWatch } from './cards'
import { CaughtUp } from './caught-up'
import { HistoryPages } from './history'
import { Drafts, StoredOutbox } from './model/drafts'
import { Outbox, type Draft, type Pending } from './model/outbox'
import type { RoomInfo } from './model/types'
import { numberOf, readStateOf, recordOf, roomOf, textOf } from './model/wire'
import { Reading } from './reading'
import { ChatApi, type ListedRoom, type Person } from './rest'
import { Room } from './room'

export type Phase = 'loading' | 'ready' | 'failed'

/** A connection follows up to 64 streams. */
const MOST_FOLLOWED = 60
const TICK_MS = 1_000
const ROOM_FRAMES = [
  'chat_message', 'message_edited', 'message_deleted', 'reaction_changed', 'pin_changed',
  'member_joined', 'member_updated', 'member_left', 'room_updated', 'messages_expired',
]

export class Chat {
  readonly phase: Ref<Phase> = ref('loading')
  /** This user's rooms by slug. */
  readonly rooms = shallowReactive(new Map<string, Room>())
  /** Public rooms that this user has not joined. */
  readonly joinable: ShallowRef<readonly RoomInfo[]> = shallowRef([])
  /** Everybody else of the workspace, by username. */
  readonly people: ShallowRef<readonly Person[]> = shallowRef([])
  readonly openSlug: Ref<string | null> = ref(null)
  readonly open: ComputedRef<Room | null> = computed(() => (this.openSlug.value === null ? null : (this.rooms.get(this.openSlug.value) ?? null)))
  readonly connectionState: ShallowRef<ConnectionState>
  readonly pending: ShallowRef<readonly Pending[]> = shallowRef([])
  /** When the server was last heard from, by its clock. */
  readonly updatedAt: Ref<number | null> = ref(null)
  readonly unread: ComputedRef<{ messages: number; mentions: number }> = computed(() => this.countUnread())
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
  private readonly followed = new Set<string>()
  private wasLive = false

  constructor(boot: Boot) {
    this.me = boot.user
    this.workspace = boot.workspace?.slug ?? null
    this.permissions = boot.permissions
    this.connection = openConnection('/ws/chat/', this.workspace)
    this.connectionState = shallowRef(this.connection.state)
    this.api = new ChatApi(this.workspace)
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
        newId: () => newId(),
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
    void this.loadRooms()
  }

  /** Now by the server's clock, in milliseconds. */
  serverNow(): number {
    return performance.timeOrigin + performance.now() + this.connection.clock.offsetMs
  }

  /** Rooms with others, by name. */
  get groups(): Room[] {
    return this.inOrder((room) => room.info.value.kind !== 'direct')
  }

  get directs(): Room[] {
    return this.inOrder((room) => room.info.value.kind === 'direct')
  }

  // --- What the user does ---------------------------------------------------------------------

  async loadRooms(): Promise<void> {
    try {
      const listed = await this.api.rooms()
      this.joinable.value = listed.filter(({ info }) => info.role === null && !info.archived).map(({ info }) => info)
      this.keepRooms(listed.filter(({ info }) => info.role !== null))
      this.phase.value = 'ready'
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 401) this.connection.retryNow()
      if (this.phase.value !== 'ready') this.phase.value = 'failed'
    }
  }

  show(slug: string | null): void {
    if (slug === this.openSlug.value) return
    this.openSlug.value = slug
    const room = this.open.value
    if (!room) return
    this.follow([room.slug])
    room.visit()
    if (room.timeline.value && !room.isAtEnd) void this.history.newest(room)
    this.reading.look()
  }

  /** Bring a message into sight that may be far from what is at hand. */
  async jump(room: Room, sequence: number): Promise<void> {
    const isAtHand = room.timeline.value?.messages.some((message) => message.sequence === sequence)
    if (!isAtHand) {
      room.isFollowing = false
      if (!(await this.history.around(room, sequence))) return
    }
    room.target.value = { sequence }
  }

  /** The same for a room that is only being opened. */
  async jumpWhenReady(room: Room, sequence: number): Promise<void> {
    if (room.timeline.value) return this.jump(room, sequence)
    const stop = watch(room.timeline, (timeline) => {
      if (!timeline) return
      stop()
      void this.jump(room, sequence)
    })
  }

  /** Ask who there is to talk to. Until the answer comes, those of the rooms are offered. */
  async loadPeople(): Promise<void> {
    try {
      this.people.value = (await this.api.people()).filter((person) => person.userId !== this.me.id)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }

  send(draft: Draft): void {
    this.outbox.add(draft)
    const room = this.rooms.get(draft.room)
    if (room && !room.isAtEnd) void this.history.newest(room)
  }

  // --- What the server says -------------------------------------------------------------------

  private listen(): void {
    const { connection } = this
    for (const type of ROOM_FRAMES) connection.on(type, (frame) => this.roomFrame(frame))
    connection.on('room_snapshot', (frame) => this.snapshot(frame))
    connection.on('subscription_confirmed', (frame) => this.confirmed(frame))
    connection.on('read_marker', (frame) => {
      if (numberOf(frame.user_id) === this.me.id) this.roomOf(frame)?.readMarker(frame)
    })
    connection.on('typing', (frame) => this.roomOf(frame)?.typed(frame, this.serverNow()))
    connection.on('user_joined', (frame) => this.roomOf(frame)?.userCame(numberOf(frame.user_id), true))
    connection.on('user_left', (frame) => this.roomOf(frame)?.userCame(numberOf(frame.user_id), false))
    connection.on('user_away', (frame) => this.roomOf(frame)?.userTurned(numberOf(frame.user_id), frame.on === true))
    connection.on('room_joined', (frame) => this.joined(recordOf(frame.info)))
    connection.on('room_left', (frame) => this.left(textOf(frame.room)))
    connection.on('room_deleted', (frame) => this.left(textOf(frame.room)))
    connection.on('pong', () => correctClock(connection.clock.offsetMs))
    connection.on('*', () => (this.updatedAt.value = this.serverNow()))
    connection.onState((state) => this.connectionChanged(state))
    // A refused subscription changed nothing: ask again without what is gone.
    connection.onSubscriptionRefused(() => void this.followWhatExists())
  }

  private roomOf(frame: Frame): Room | undefined {
    return this.rooms.get(textOf(frame.room))
  }

  private roomFrame(frame: Frame): void {
    const room = this.roomOf(frame)
    const message = room?.event(frame)
    if (!room || !message) return
    if (message.userId !== this.me.id) this.caughtUp.arrived(message.time)
    this.outbox.arrived(room.slug, message.sequence, message.userId === this.me.id ? message.clientMessageId : null)
    if (room === this.open.value) this.reading.look()
  }

  private snapshot(frame: Frame): void {
    const room = this.roomOf(frame)
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
      const room = this.rooms.get(slug)
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
      if (this.wasLive) void this.loadRooms()
      this.wasLive = true
    } else if (wasLive) this.caughtUp.lost()
  }

  private joined(fields: Readonly<Record<string, unknown>>): void {
    const info = roomOf(fields)
    this.joinable.value = this.joinable.value.filter((other) => other.slug !== info.slug)
    const known = this.rooms.get(info.slug)
    if (known) known.info.value = info
    else this.add([{ info, counts: readStateOf(fields) }])
  }

  private left(slug: string): void {
    this.drop(slug)
    // What was left may be joined again.
    void this.loadRooms()
  }

  private drop(slug: string): void {
    if (!this.rooms.delete(slug)) return
    this.followed.delete(slug)
    this.connection.unsubscribe({ rooms: [slug] })
    if (this.openSlug.value === slug) this.openSlug.value = null
  }

  private keepRooms(listed: readonly ListedRoom[]): void {
    const gone = [...this.rooms.keys()].filter((slug) => !listed.some(({ info }) => info.slug === slug))
    for (const slug of gone) this.drop(slug)
    for (const { info, counts } of listed) {
      const known = this.rooms.get(info.slug)
      if (known) known.info.value = info
      // What is followed counts for itself.
      if (known && !this.followed.has(info.slug)) known.counts.value = counts
    }
    this.add(listed.filter(({ info }) => !this.rooms.has(info.slug)))
  }

  private add(listed: readonly ListedRoom[]): void {
    for (const { info, counts } of listed) this.rooms.set(info.slug, new Room(info, counts, this.me.id, this.permissions))
    this.follow(listed.map(({ info }) => info.slug).slice(0, MOST_FOLLOWED - this.followed.size))
  }

  private follow(slugs: readonly string[]): void {
    const added = slugs.filter((slug) => !this.followed.has(slug))
    if (added.length === 0) return
    for (const slug of added) this.followed.add(slug)
    this.connection.subscribe({ rooms: added })
  }

  private async followWhatExists(): Promise<void> {
    const before = this.rooms.size
    await this.loadRooms()
    if (this.rooms.size < before && this.followed.size > 0) this.connection.subscribe({ rooms: [...this.followed] })
  }

  // --- Derived --------------------------------------------------------------------------------

  private inOrder(wanted: (room: Room) => boolean): Room[] {
    const label = (room: Room): string => room.info.value.peer?.username ?? room.info.value.name
    return [...this.rooms.values()].filter(wanted).sort((a, b) => label(a).localeCompare(label(b)))
  }

  private countUnread(): { messages: number; mentions: number } {
    let messages = 0
    let mentions = 0
    for (const room of this.rooms.values()) {
      messages += room.counts.value.unread
      mentions += room.info.value.kind === 'direct' ? room.counts.value.unread : room.counts.value.mentions
    }
    return { messages, mentions }
  }

  private tick(): void {
    const now = this.serverNow()
    for (const room of this.rooms.values()) room.tick(now)
  }
}

/** Unique and unguessable enough to tell messages apart; crypto.randomUUID exists on secure pages only. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

