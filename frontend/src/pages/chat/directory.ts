/** The user's rooms, which of them the connection follows, and their unread counts. */
import { computed, ref, shallowReactive, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Unread } from '@/lib/chat-unread'
import type { Connection, Frame } from '@/lib/socket'
import { Listeners } from '@/lib/socket/listeners'

import { roomTitle } from './model/room-title'
import type { RoomInfo } from './model/types'
import { readStateOf, recordOf, roomOf, textOf } from './model/wire'
import type { ChatApi, ListedRoom } from './rest'
import { Room } from './room'
import { RoomSnapshots } from './snapshots'

export type Phase = 'loading' | 'ready' | 'failed'

/** A connection can follow up to 64 streams. */
const MOST_FOLLOWED = 60

export class RoomDirectory {
  readonly phase: Ref<Phase> = ref('loading')
  /** This user's rooms by slug. */
  readonly rooms = shallowReactive(new Map<string, Room>())
  /** Public rooms that this user has not joined. */
  readonly joinable: ShallowRef<readonly RoomInfo[]> = shallowRef([])
  readonly unread: ComputedRef<Unread> = computed(() => this.countUnread())
  /** In the order in which they were last opened: the latest is last. */
  private readonly followed = new Set<string>()
  /** A room is gone: this user has left it, or it is deleted. */
  readonly gone = new Listeners<Room>()
  private readonly snapshots: RoomSnapshots

  constructor(
    private readonly connection: Connection,
    private readonly api: ChatApi,
    private readonly ownId: number,
    private readonly permissions: readonly string[],
  ) {
    this.snapshots = new RoomSnapshots(connection)
    connection.on('room_joined', (frame) => this.joined(recordOf(frame.info)))
    connection.on('room_left', (frame) => this.left(textOf(frame.room)))
    connection.on('room_deleted', (frame) => this.left(textOf(frame.room)))
    // A refused subscription changes nothing: subscribe again without the rooms that are gone.
    connection.onSubscriptionRefused(() => void this.followWhatExists())
  }

  /** Group rooms, by name. */
  get groups(): Room[] {
    return this.inOrder((room) => room.info.value.kind !== 'direct')
  }

  get directs(): Room[] {
    return this.inOrder((room) => room.info.value.kind === 'direct')
  }

  /** The room that a frame belongs to. */
  of(frame: Frame): Room | undefined {
    return this.rooms.get(textOf(frame.room))
  }

  async load(): Promise<void> {
    try {
      const listed = await this.api.rooms()
      this.joinable.value = listed.filter(({ info }) => info.role === null && !info.archived).map(({ info }) => info)
      this.keep(listed.filter(({ info }) => info.role !== null))
      this.phase.value = 'ready'
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 401) this.connection.retryNow()
      if (this.phase.value !== 'ready') this.phase.value = 'failed'
    }
  }

  /** Follow a room that is opened. If the connection follows the maximum, stop following the least recently opened room. */
  follow(slug: string): void {
    const isFollowed = this.followed.delete(slug)
    const [oldest] = this.followed
    if (!isFollowed && oldest !== undefined && this.followed.size >= MOST_FOLLOWED) this.unfollow(oldest)
    this.followed.add(slug)
    if (!isFollowed) this.connection.subscribe({ rooms: [slug] })
  }

  private unfollow(slug: string): void {
    if (!this.followed.delete(slug)) return
    this.snapshots.forget(slug)
    this.connection.unsubscribe({ rooms: [slug] })
  }

  private async followWhatExists(): Promise<void> {
    const before = this.rooms.size
    await this.load()
    if (this.rooms.size < before && this.followed.size > 0) this.connection.subscribe({ rooms: [...this.followed] })
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
    // If the room is public, it can be joined again.
    void this.load()
  }

  private drop(slug: string): void {
    const room = this.rooms.get(slug)
    if (!room) return
    this.rooms.delete(slug)
    this.unfollow(slug)
    this.gone.call(room)
  }

  private keep(listed: readonly ListedRoom[]): void {
    const gone = [...this.rooms.keys()].filter((slug) => !listed.some(({ info }) => info.slug === slug))
    for (const slug of gone) this.drop(slug)
    for (const { info, counts } of listed) {
      const known = this.rooms.get(info.slug)
      if (known) known.info.value = info
      // Followed rooms count their own messages.
      if (known && !this.followed.has(info.slug)) known.counts.value = counts
    }
    this.add(listed.filter(({ info }) => !this.rooms.has(info.slug)))
  }

  private add(listed: readonly ListedRoom[]): void {
    for (const { info, counts } of listed) this.rooms.set(info.slug, new Room(info, counts, this.ownId, this.permissions))
    const rooms = listed.map(({ info }) => info.slug).slice(0, Math.max(0, MOST_FOLLOWED - this.followed.size))
    if (rooms.length === 0) return
    for (const slug of rooms) this.followed.add(slug)
    this.connection.subscribe({ rooms })
  }

  private inOrder(wanted: (room: Room) => boolean): Room[] {
    const label = (room: Room): string => roomTitle(room.info.value)
    return [...this.rooms.values()].filter(wanted).sort((a, b) => label(a).localeCompare(label(b)))
  }

  private countUnread(): Unread {
    let messages = 0
    let mentions = 0
    for (const room of this.rooms.values()) {
      messages += room.counts.value.unread
      mentions += room.info.value.kind === 'direct' ? room.counts.value.unread : room.counts.value.mentions
    }
    return { messages, mentions }
  }
}
