/** One room of this user: its loaded messages, its members, its unread state. */
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import type { Frame } from '@/lib/socket'

import { applied, eventOf, type MessageEvent } from './model/events'
import { mayPost, withMember } from './model/members'
import { isAtEnd, opened, withAuthor, withNewer, withOlder, type Timeline } from './model/timeline'
import { TypingPeople } from './model/typing'
import type { Member, Message, Presence, RoomInfo } from './model/types'
import { arrived, countAfter, NOTHING_READ, readUpTo, type ReadState } from './model/unread'
import { listOf, memberOf, messageOf, numberOf, numbersOf, readStateOf, recordOf, roleOf, roomOf, textOf } from './model/wire'

/** Where a page of history goes: before the loaded messages, after them, or in their place. */
export type Side = 'older' | 'newer' | 'around'

export class Room {
  readonly info: ShallowRef<RoomInfo>
  readonly timeline: ShallowRef<Timeline | null> = shallowRef(null)
  readonly members: ShallowRef<readonly Member[]> = shallowRef([])
  readonly present: ShallowRef<ReadonlySet<number>> = shallowRef(new Set())
  /** Users who are connected but not at any of their screens. */
  readonly away: ShallowRef<ReadonlySet<number>> = shallowRef(new Set())
  readonly pins: ShallowRef<readonly Message[]> = shallowRef([])
  readonly counts: ShallowRef<ReadState> = shallowRef(NOTHING_READ)
  readonly typing: ShallowRef<readonly string[]> = shallowRef([])
  /** The last sequence read before this visit, if unread messages followed it; null: no divider. */
  readonly unreadAfter: Ref<number | null> = ref(null)
  readonly isLoading: Ref<Side | null> = ref(null)
  /** The page that could not be loaded at the last attempt. */
  readonly failed: Ref<Side | null> = ref(null)
  /** The message to scroll to as soon as it is loaded. */
  readonly target: ShallowRef<{ readonly sequence: number } | null> = shallowRef(null)
  readonly self: ComputedRef<Member | undefined> = computed(() => this.members.value.find((member) => member.userId === this.ownId))
  readonly maySend: ComputedRef<boolean>
  readonly mayModerate: ComputedRef<boolean>
  readonly mayManage: ComputedRef<boolean>
  readonly mayPin: ComputedRef<boolean>
  /** Whether the reader is at the end; set by the list. */
  isFollowing = true
  private readonly typists = new TypingPeople()
  /** The messages up to this one are part of the server's counts, whether or not their events have arrived. */
  private countedThrough = 0
  /** Counts page requests and snapshots, so that the page for an earlier request is dropped. */
  private turn = 0
  /** Events that arrived while a page was loading: the page may be older than they are. */
  private meanwhile: MessageEvent[] = []

  constructor(
    info: RoomInfo,
    counts: ReadState,
    private readonly ownId: number,
    /** The permissions of this user's role in the workspace. */
    permissions: readonly string[],
  ) {
    this.info = shallowRef(info)
    this.counts.value = counts
    // Managers of the workspace act as owners in its public rooms.
    const role = computed(() => (info.kind === 'public' && permissions.includes('manage_rooms') ? 'owner' : this.info.value.role))
    const isGroup = info.kind !== 'direct'
    this.maySend = computed(() => this.info.value.mayPost)
    this.mayModerate = computed(() => isGroup && (role.value === 'owner' || role.value === 'moderator'))
    this.mayManage = computed(() => isGroup && role.value === 'owner')
    this.mayPin = computed(() => (isGroup ? this.mayModerate.value : this.maySend.value))
  }

  get slug(): string {
    return this.info.value.slug
  }

  get stream(): string {
    return `room:${this.slug}`
  }

  presenceOf(userId: number): Presence {
    if (!this.present.value.has(userId)) return 'offline'
    return this.away.value.has(userId) ? 'away' : 'online'
  }

  nameOf(userId: number): string | null {
    return this.members.value.find((member) => member.userId === userId)?.username ?? null
  }

  // --- Frames from the server -----------------------------------------------------------------

  /** `room_snapshot`: replace everything. */
  snapshot(frame: Frame): void {
    const info = recordOf(frame.info)
    this.info.value = roomOf(info)
    this.counts.value = readStateOf(info)
    this.members.value = listOf(frame.members).map(memberOf)
    this.present.value = new Set(numbersOf(frame.present))
    this.away.value = new Set(numbersOf(frame.away))
    this.pins.value = listOf(frame.pins).map(messageOf)
    const page = listOf(frame.data).map(messageOf)
    this.timeline.value = opened(page, this.counts.value.newest, hasBefore(page, info))
    this.countedThrough = this.counts.value.newest
    this.endLoad()
  }

  /** `subscription_confirmed` of this room, with or without a snapshot to follow. */
  confirmed(fields: Readonly<Record<string, unknown>>): void {
    this.members.value = listOf(fields.members).map(memberOf)
    this.present.value = new Set(listOf(fields.members).flatMap((member) => (member.present === true ? [numberOf(member.user_id)] : [])))
    this.away.value = new Set(numbersOf(fields.away))
    this.info.value = { ...this.info.value, role: roleOf(fields.role), memberCount: numberOf(fields.member_count) }
    const { read, unread, mentions } = readStateOf(fields)
    // Missed events follow this frame: `newest` stays at the loaded messages, and counting continues from there.
    this.counts.value = { ...this.counts.value, read, unread, mentions }
    this.countedThrough = numberOf(fields.head_sequence)
  }

  /** An event of the room's stream. Returns the message if it is a new one. */
  event(frame: Frame): Message | null {
    const event = eventOf(frame)
    if (!event) {
      this.roomEvent(frame)
      return null
    }
    if (event.kind === 'renamed') this.renamed(event.userId, event.username, textOf(frame.name))
    this.keepPins(event, frame)
    if (this.timeline.value) this.timeline.value = applied(this.timeline.value, event, this.isFollowing)
    if (this.isLoading.value !== null) this.meanwhile.push(event)
    if (event.kind === 'message') return this.newMessage(event.message)
    // A deleted message is not unread, and an edit may take a mention back.
    if (frame.type === 'message_deleted' || frame.type === 'message_edited') this.recount()
    return null
  }

  /** `read_marker` of this user, from any of their sockets. */
  readMarker(frame: Frame): void {
    const { newest, read } = this.counts.value
    const sequence = numberOf(frame.sequence)
    if (sequence < read) return
    const head = numberOf(frame.head_sequence, newest)
    const more = this.since(Math.max(head, sequence))
    this.counts.value = { newest, read: sequence, unread: numberOf(frame.unread) + more.unread, mentions: numberOf(frame.mentions) + more.mentions }
    this.countedThrough = Math.max(this.countedThrough, head)
  }

  userCame(userId: number, is: boolean): void {
    this.present.value = withMember(this.present.value, userId, is)
    if (is) this.userTurned(userId, false)
  }

  userTurned(userId: number, isAway: boolean): void {
    this.away.value = withMember(this.away.value, userId, isAway)
  }

  typed(frame: Frame, now: number): void {
    if (numberOf(frame.user_id) === this.ownId) return
    this.typists.said(numberOf(frame.user_id), textOf(frame.username), now)
    this.typing.value = this.typists.names(now)
  }

  /** Remove users who have stopped typing. */
  tick(now: number): void {
    if (this.typing.value.length > 0) this.typing.value = this.typists.names(now)
  }

  // --- Pages ----------------------------------------------------------------------------------

  /** Begin to load a page. Returns the number of this request. */
  beginLoad(side: Side): number {
    this.endLoad()
    this.isLoading.value = side
    return this.turn
  }

  /** Whether this is still the latest request and no snapshot has arrived since. */
  isAwaited(turn: number): boolean {
    return turn === this.turn
  }

  /** End loading. `failed`: the page that could not be loaded. */
  endLoad(failed: Side | null = null): void {
    this.turn += 1
    this.isLoading.value = null
    this.failed.value = failed
    this.meanwhile = []
  }

  /** A page of history has arrived. */
  loaded(side: Side, page: readonly Message[], hasBefore: boolean): void {
    const { value: timeline } = this.timeline
    const { newest } = this.counts.value
    if (side === 'around' || timeline === null) this.timeline.value = opened(page, newest, hasBefore)
    else this.timeline.value = side === 'older' ? withOlder(timeline, page, hasBefore) : withNewer(timeline, page)
    for (const event of this.meanwhile) this.timeline.value = applied(this.timeline.value, event, this.isFollowing)
    this.meanwhile = []
  }

  get isAtEnd(): boolean {
    return this.timeline.value === null || isAtEnd(this.timeline.value)
  }

  /** This user has read up to `sequence`; the server's confirmation follows. */
  read(sequence: number): void {
    const { newest } = this.counts.value
    this.counts.value = readUpTo(this.counts.value, sequence, this.timeline.value && countAfter(this.timeline.value, sequence, newest, this.ownId))
  }

  /** The room is opened: the divider stays here during this visit. */
  visit(): void {
    const { read, unread } = this.counts.value
    this.unreadAfter.value = unread > 0 ? read : null
    this.isFollowing = true
  }

  private newMessage(message: Message): Message {
    const { newest } = this.counts.value
    if (message.sequence > newest && message.sequence <= this.countedThrough) {
      this.counts.value = { ...this.counts.value, newest: message.sequence }
      this.recount()
    } else this.counts.value = arrived(this.counts.value, message, this.ownId)
    this.info.value = { ...this.info.value, lastAt: message.time }
    this.typists.stopped(message.userId)
    this.typing.value = this.typists.names(message.time)
    return message
  }

  /** Somebody has another name: in the list of members, as the other user of a direct room, and while typing. */
  private renamed(userId: number, username: string, name: string): void {
    this.members.value = this.members.value.map((member) => (member.userId === userId ? { ...member, username, name } : member))
    this.pins.value = this.pins.value.map((message) => withAuthor(message, userId, username))
    const { peer } = this.info.value
    if (peer?.userId === userId) this.info.value = { ...this.info.value, peer: { userId, username } }
    this.typists.renamed(userId, username)
  }

  /** Count what is unread again, if all of it is loaded; if not, the server tells the counts. */
  private recount(): void {
    const { read, newest } = this.counts.value
    // The confirmed counts are those after all events that are still to come.
    const left = this.countedThrough > newest || !this.timeline.value ? null : countAfter(this.timeline.value, read, newest, this.ownId)
    if (left) this.counts.value = { ...this.counts.value, ...left }
  }

  /** The unread messages among those that came after `sequence`. */
  private since(sequence: number): { readonly unread: number; readonly mentions: number } {
    const { newest } = this.counts.value
    if (sequence >= newest) return { unread: 0, mentions: 0 }
    const loaded = this.timeline.value && countAfter(this.timeline.value, sequence, newest, this.ownId)
    return loaded ?? { unread: newest - sequence, mentions: 0 }
  }

  private keepPins(event: MessageEvent, frame: Frame): void {
    if (event.kind !== 'changed') return
    const { value: pins } = this.pins
    const known = pins.some((message) => message.messageId === event.messageId)
    if (frame.type === 'pin_changed' && frame.on === true && !known) {
      const message = this.timeline.value?.messages.find((one) => one.messageId === event.messageId)
      if (message) this.pins.value = [...pins, { ...message, pinned: true }]
    } else if (known) {
      this.pins.value = pins.map((message) => (message.messageId === event.messageId ? event.change(message) : message)).filter((message) => message.pinned)
    }
  }

  private roomEvent(frame: Frame): void {
    switch (frame.type) {
      case 'member_joined':
      case 'member_updated':
        return this.memberChanged(recordOf(frame.member))
      case 'member_left':
        this.members.value = this.members.value.filter((member) => member.userId !== frame.user_id)
        this.info.value = { ...this.info.value, memberCount: this.members.value.length }
        return
      case 'room_updated':
        return this.roomChanged(recordOf(frame.info))
      case 'messages_expired':
        return this.expired(numberOf(frame.through_sequence))
    }
  }

  private memberChanged(fields: Readonly<Record<string, unknown>>): void {
    const member = memberOf(fields)
    const others = this.members.value.filter((one) => one.userId !== member.userId)
    this.members.value = [...others, member].sort((a, b) => a.username.localeCompare(b.username))
    const own = member.userId === this.ownId
    const memberCount = Math.max(this.info.value.memberCount, this.members.value.length)
    this.info.value = { ...this.info.value, memberCount, ...(own && { role: member.role, mutedUntil: member.mutedUntil, mayPost: mayPost(this.info.value, member) }) }
  }

  private roomChanged(fields: Readonly<Record<string, unknown>>): void {
    const { name, topic, kind, archived, retentionDays } = roomOf(fields)
    this.info.value = { ...this.info.value, name, topic, kind, archived, retentionDays }
    if (this.self.value) this.info.value = { ...this.info.value, mayPost: mayPost(this.info.value, this.self.value) }
  }

  private expired(through: number): void {
    const { value: timeline } = this.timeline
    if (!timeline) return
    const messages = timeline.messages.filter((message) => message.sequence > through)
    this.timeline.value = { ...timeline, messages, hasOlder: timeline.hasOlder && messages.length === timeline.messages.length }
    this.recount()
  }
}

function hasBefore(page: readonly Message[], info: Readonly<Record<string, unknown>>): boolean {
  const first = page[0]?.sequence ?? 1
  return first > numberOf(info.first_sequence, 1)
}
