import { describe, expect, it } from 'vitest'

import { ALICE, BOB, frame, message, messageFields } from './model/testing'
import { readStateOf, roomOf } from './model/wire'
import { Room } from './room'

const SUMMARY = {
  slug: 'ops', name: 'Ops', topic: '', kind: 'public', archived: false, retention_days: null, head_sequence: 3, first_sequence: 1,
  role: 'member', member_count: 2, read_sequence: 3, unread: 0, mentions: 0, notify: 'mentions', may_post: true,
}
const MEMBERS = [
  { user_id: ALICE, username: 'alice', name: '', role: 'member', muted_until: null },
  { user_id: BOB, username: 'bob', name: '', role: 'owner', muted_until: null },
]

/** A room from its snapshot: three messages, all read. */
function room(summary: object = {}): Room {
  const info = { ...SUMMARY, ...summary }
  const made = new Room(roomOf(info), readStateOf(info), ALICE, [])
  made.snapshot(frame('room_snapshot', { info, members: MEMBERS, present: [ALICE], pins: [], data: [1, 2, 3].map((sequence) => messageFields(sequence)) }))
  return made
}

const texts = (of: Room): string[] => of.timeline.value!.messages.map((one) => (one.deleted ? '–' : one.text))
const find = (of: Room, sequence: number) => of.timeline.value!.messages.find((one) => one.sequence === sequence)!

describe('a room', () => {
  it('shows a new message and counts it', () => {
    const ops = room()
    ops.event(frame('chat_message', messageFields(4, { mentions: [ALICE] })))
    expect(texts(ops)).toEqual(['text 1', 'text 2', 'text 3', 'text 4'])
    expect(ops.counts.value).toEqual({ newest: 4, read: 3, unread: 1, mentions: 1 })
  })

  it('follows edits, deletions, reactions and pins', () => {
    const ops = room()
    const about = { message_id: 1002, sequence: 2 }
    ops.event(frame('message_edited', { ...about, message: 'better', html: '<p>better</p>', edited_at: '2026-11-21T13:00:00Z', mentions: [] }))
    expect(find(ops, 2)).toMatchObject({ text: 'better', html: '<p>better</p>' })
    ops.event(frame('reaction_changed', { ...about, user_id: BOB, emoji: '👍', on: true, count: 1 }))
    ops.event(frame('reaction_changed', { ...about, user_id: ALICE, emoji: '👍', on: true, count: 2 }))
    expect(find(ops, 2).reactions).toEqual([{ emoji: '👍', userIds: [BOB, ALICE], count: 2 }])
    ops.event(frame('reaction_changed', { ...about, user_id: BOB, emoji: '👍', on: false, count: 1 }))
    expect(find(ops, 2).reactions).toEqual([{ emoji: '👍', userIds: [ALICE], count: 1 }])
    ops.event(frame('pin_changed', { ...about, user_id: BOB, on: true }))
    expect(ops.pins.value.map((one) => one.sequence)).toEqual([2])
    ops.event(frame('message_deleted', { ...about, deleted_by: BOB }))
    expect(find(ops, 2)).toMatchObject({ deleted: true, text: '', reactions: [] })
    expect(ops.pins.value).toEqual([])
  })

  it('changes the quotes of a message that is edited or deleted', () => {
    const ops = room()
    const reply = { message_id: 1001, sequence: 1, user_id: BOB, username: 'bob', excerpt: 'text 1' }
    ops.event(frame('chat_message', messageFields(4, { reply_to: 1001, reply })))
    ops.event(frame('message_edited', { message_id: 1001, sequence: 1, message: 'better', html: '', edited_at: '2026-11-21T13:00:00Z', mentions: [] }))
    expect(find(ops, 4).reply!.excerpt).toBe('better')
    ops.event(frame('message_deleted', { message_id: 1001, sequence: 1, deleted_by: BOB }))
    expect(find(ops, 4).reply!.excerpt).toBe('')
  })

  it('counts missed messages once: they are part of the confirmed count, and their events follow', () => {
    const ops = room()
    ops.confirmed({ members: MEMBERS, member_count: 2, unread: 2, mentions: 0, read_sequence: 3, head_sequence: 5, role: 'member' })
    ops.event(frame('chat_message', messageFields(4)))
    ops.event(frame('chat_message', messageFields(5)))
    expect(ops.counts.value).toEqual({ newest: 5, read: 3, unread: 2, mentions: 0 })
    ops.event(frame('chat_message', messageFields(6)))
    expect(ops.counts.value.unread).toBe(3)
  })

  it('is read when another tab has read it', () => {
    const ops = room()
    ops.event(frame('chat_message', messageFields(4)))
    ops.readMarker(frame('read_marker', { user_id: ALICE, sequence: 4, unread: 0, mentions: 0 }))
    expect(ops.counts.value).toEqual({ newest: 4, read: 4, unread: 0, mentions: 0 })
  })

  it('applies to a page the events that came while it was loading', () => {
    const ops = room()
    ops.isLoading.value = 'around'
    ops.event(frame('message_edited', { message_id: 1002, sequence: 2, message: 'better', html: '', edited_at: '2026-11-21T13:00:00Z', mentions: [] }))
    ops.event(frame('chat_message', messageFields(4)))
    ops.loaded('around', [1, 2, 3].map((sequence) => message(sequence)), false)
    expect(texts(ops)).toEqual(['text 1', 'better', 'text 3', 'text 4'])
  })

  it('marks where the unread messages of a visit begin, and keeps the mark while they are read', () => {
    const ops = room()
    ops.event(frame('chat_message', messageFields(4)))
    ops.visit()
    ops.read(4)
    expect(ops.unreadAfter.value).toBe(3)
    ops.visit()
    expect(ops.unreadAfter.value).toBeNull()
  })

  it('knows who is present, what each may do, and who left', () => {
    const ops = room()
    expect([ops.presenceOf(ALICE), ops.presenceOf(BOB)]).toEqual(['online', 'offline'])
    ops.userCame(BOB, true)
    expect(ops.presenceOf(BOB)).toBe('online')
    ops.userTurned(BOB, true)
    expect(ops.presenceOf(BOB)).toBe('away')
    ops.userTurned(BOB, false)
    expect(ops.presenceOf(BOB)).toBe('online')
    expect(ops.mayModerate.value).toBe(false)
    ops.event(frame('member_updated', { member: { ...MEMBERS[0], role: 'moderator' }, by: BOB }))
    expect([ops.mayModerate.value, ops.mayManage.value]).toEqual([true, false])
    ops.event(frame('member_updated', { member: { ...MEMBERS[0], role: 'read_only' }, by: BOB }))
    expect(ops.maySend.value).toBe(false)
    ops.event(frame('member_left', { user_id: BOB, username: 'bob', reason: 'left', by: BOB }))
    expect(ops.members.value.map((member) => member.username)).toEqual(['alice'])
  })

  it("is owned by managers of the workspace's rooms if it is public", () => {
    const info = roomOf(SUMMARY)
    expect(new Room(info, readStateOf(SUMMARY), ALICE, ['manage_rooms']).mayManage.value).toBe(true)
    expect(new Room({ ...info, kind: 'private' }, readStateOf(SUMMARY), ALICE, ['manage_rooms']).mayManage.value).toBe(false)
  })

  it('forgets messages that have outlived its retention', () => {
    const ops = room()
    ops.event(frame('messages_expired', { through_sequence: 2 }))
    expect(texts(ops)).toEqual(['text 3'])
    expect(ops.timeline.value!.hasOlder).toBe(false)
  })
})

describe('what is unread in a room', () => {
  const edited = (sequence: number, mentions: readonly number[]) =>
    frame('message_edited', { message_id: 1000 + sequence, sequence, message: 'other', html: '<p>other</p>', edited_at: '2026-11-21T13:00:00Z', mentions })
  const deleted = (sequence: number) => frame('message_deleted', { message_id: 1000 + sequence, sequence, deleted_by: BOB })

  /** Three unread messages, two of which mention the reader. */
  function unread(): Room {
    const ops = room()
    for (const sequence of [4, 5, 6]) ops.event(frame('chat_message', messageFields(sequence, { mentions: sequence > 4 ? [ALICE] : [] })))
    expect(ops.counts.value).toMatchObject({ unread: 3, mentions: 2 })
    return ops
  }

  it('does not count a message that is deleted', () => {
    const ops = unread()
    ops.event(deleted(4))
    expect(ops.counts.value).toMatchObject({ unread: 2, mentions: 2 })
    ops.event(deleted(6))
    ops.event(deleted(6))
    ops.event(deleted(2))
    expect(ops.counts.value).toMatchObject({ newest: 6, read: 3, unread: 1, mentions: 1 })
  })

  it('does not count a mention that is edited out, and counts one that is edited in', () => {
    const ops = unread()
    ops.event(edited(5, []))
    expect(ops.counts.value).toMatchObject({ unread: 3, mentions: 1 })
    ops.event(edited(4, [ALICE]))
    expect(ops.counts.value).toMatchObject({ unread: 3, mentions: 2 })
  })

  it('does not count messages that have expired', () => {
    const ops = unread()
    ops.event(frame('messages_expired', { through_sequence: 5 }))
    expect(ops.counts.value).toMatchObject({ unread: 1, mentions: 1 })
    ops.event(frame('messages_expired', { through_sequence: 6 }))
    expect(ops.counts.value).toMatchObject({ unread: 0, mentions: 0 })
  })

  it("is the server's count if not all of it is loaded, and any later count of the server", () => {
    const ops = room({ read_sequence: 0, unread: 200, mentions: 3, head_sequence: 203, first_sequence: 1 })
    ops.event(deleted(2))
    expect(ops.counts.value).toMatchObject({ unread: 200, mentions: 3 })
    ops.readMarker(frame('read_marker', { user_id: ALICE, sequence: 0, unread: 199, mentions: 2, head_sequence: 203 }))
    expect(ops.counts.value).toMatchObject({ unread: 199, mentions: 2 })
  })

  it("is the server's count and the messages since", () => {
    const ops = unread()
    ops.readMarker(frame('read_marker', { user_id: ALICE, sequence: 3, unread: 1, mentions: 0, head_sequence: 5 }))
    expect(ops.counts.value).toMatchObject({ newest: 6, unread: 2, mentions: 1 })
  })

  it('does not count a message again that the server has counted', () => {
    const ops = unread()
    ops.readMarker(frame('read_marker', { user_id: ALICE, sequence: 3, unread: 4, mentions: 3, head_sequence: 7 }))
    ops.event(frame('chat_message', messageFields(7, { mentions: [ALICE] })))
    expect(ops.counts.value).toMatchObject({ newest: 7, unread: 4, mentions: 3 })
    ops.event(frame('chat_message', messageFields(8)))
    expect(ops.counts.value).toMatchObject({ newest: 8, unread: 5, mentions: 3 })
  })

  it('is right after missed messages of which one is deleted', () => {
    const ops = room()
    ops.confirmed({ members: MEMBERS, role: 'member', member_count: 2, read_sequence: 3, head_sequence: 5, unread: 1, mentions: 0 })
    ops.event(frame('chat_message', messageFields(4, { deleted: true })))
    ops.event(frame('chat_message', messageFields(5)))
    ops.event(deleted(4))
    expect(ops.counts.value).toMatchObject({ newest: 5, unread: 1, mentions: 0 })
  })
})

describe('a person with a new name', () => {
  const renamed = frame('user_updated', { user_id: BOB, username: 'robert', name: 'Robert Tables' })

  it('is called so as a member, as an author, and in quotes', () => {
    const ops = room()
    const reply = { message_id: 1001, sequence: 1, user_id: BOB, username: 'bob', excerpt: 'text 1' }
    ops.event(frame('chat_message', messageFields(4, { user_id: ALICE, username: 'alice', reply_to: 1001, reply })))
    ops.event(frame('pin_changed', { message_id: 1001, sequence: 1, user_id: ALICE, on: true }))
    ops.event(renamed)
    expect(ops.members.value.map(({ username, name }) => [username, name])).toEqual([['alice', ''], ['robert', 'Robert Tables']])
    expect(ops.timeline.value!.messages.map(({ username }) => username)).toEqual(['robert', 'robert', 'robert', 'alice'])
    expect(find(ops, 4).reply).toMatchObject({ username: 'robert' })
    expect(ops.pins.value.map(({ username }) => username)).toEqual(['robert'])
  })

  it('is the other user of a direct room', () => {
    const direct = room({ kind: 'direct', user_id: BOB, username: 'bob' })
    direct.event(renamed)
    expect(direct.info.value.peer).toEqual({ userId: BOB, username: 'robert' })
  })

  it('is called so in a page of history that was read before', () => {
    const ops = room()
    ops.beginLoad('older')
    ops.event(renamed)
    ops.loaded('older', [message(0)], false)
    expect(ops.timeline.value!.messages.map(({ username }) => username)).toEqual(['robert', 'robert', 'robert', 'robert'])
  })
})
