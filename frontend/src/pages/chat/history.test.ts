import { describe, expect, it } from 'vitest'

import { World } from '@/lib/socket/testing'

import { HistoryPages } from './history'
import { ALICE, frame, messageFields } from './model/testing'
import { readStateOf, roomOf } from './model/wire'
import { Room } from './room'

const SUMMARY = { slug: 'ops', name: 'Ops', kind: 'public', head_sequence: 103, first_sequence: 1, role: 'member', read_sequence: 103, unread: 0 }
const page = (...sequences: number[]) => ({ type: 'historical_data', room: 'ops', has_before: true, data: sequences.map((sequence) => messageFields(sequence)) })

/** A room at its end, with older messages to load. */
function opened() {
  const world = new World()
  world.connection.start()
  world.server.greet()
  const room = new Room(roomOf(SUMMARY), readStateOf(SUMMARY), ALICE, [])
  room.snapshot(frame('room_snapshot', { info: SUMMARY, members: [], present: [], pins: [], data: [101, 102, 103].map((sequence) => messageFields(sequence)) }))
  const history = new HistoryPages(world.connection, () => world.now, () => 0.5)
  const answer = async (nth: number, ...sequences: number[]): Promise<void> => {
    world.server.push({ ...page(...sequences), id: world.server.sent('history')[nth]!.id })
    await world.settled()
  }
  const refuse = async (error: object): Promise<void> => {
    world.server.refuse('history', error)
    await world.settled()
  }
  return { world, room, history, answer, refuse }
}

const sequences = (room: Room): number[] => room.timeline.value!.messages.map((message) => message.sequence)

describe('pages of history', () => {
  it('belong to the last of two jumps, whichever response comes first', async () => {
    const { room, history, answer } = opened()
    const first = history.around(room, 10)
    const second = history.around(room, 50)
    await answer(0, 9, 10, 11)
    expect(room.isLoading.value).toBe('around')
    await answer(1, 49, 50, 51)
    expect([await first, await second]).toEqual([false, true])
    expect(sequences(room)).toEqual([49, 50, 51])
  })

  it('that fail leave nothing behind for the next one: messages deleted since stay deleted', async () => {
    const { room, history, answer, refuse } = opened()
    history.older(room)
    room.event(frame('chat_message', messageFields(104)))
    await refuse({ code: 'internal' })
    room.event(frame('message_deleted', { message_id: 1104, sequence: 104, deleted_by: ALICE }))
    history.retry(room)
    await answer(1, 99, 100)
    expect(sequences(room)).toEqual([99, 100, 101, 102, 103, 104])
    expect(room.timeline.value!.messages.at(-1)).toMatchObject({ deleted: true, text: '' })
  })

  it('that a snapshot overtakes are dropped, with the events that came while they were loading', async () => {
    const { room, history, answer } = opened()
    history.older(room)
    room.event(frame('message_edited', { message_id: 1102, sequence: 102, message: 'before', html: '', edited_at: null, mentions: [] }))
    room.snapshot(frame('room_snapshot', { info: SUMMARY, members: [], present: [], pins: [], data: [messageFields(102, { message: 'after' }), messageFields(103)] }))
    await answer(0, 99, 100)
    expect(sequences(room)).toEqual([102, 103])
    history.older(room)
    await answer(1, 100, 101)
    expect(room.timeline.value!.messages.map((message) => message.text)).toContain('after')
  })

  it('that are refused are requested again only after growing pauses, however often the list asks', async () => {
    const { world, room, history, refuse } = opened()
    for (let passed = 0; passed < 10_000; passed += 50) {
      const before = world.server.sent('history').length
      history.older(room)
      if (world.server.sent('history').length > before) await refuse({ code: 'unavailable' })
      world.pass(50)
    }
    expect(world.server.sent('history').length).toBeLessThanOrEqual(6)
    expect(room.failed.value).toBe('older')
  })

  it('are requested no sooner than the server allows, but immediately if the reader retries', async () => {
    const { world, room, history, refuse } = opened()
    history.older(room)
    await refuse({ code: 'rate_limited', retry_after: 30 })
    world.pass(29_000)
    history.older(room)
    expect(world.server.sent('history')).toHaveLength(1)
    history.retry(room)
    expect(world.server.sent('history')).toHaveLength(2)
  })

  it('are not requested without a connection, and do not count as failed when it breaks', async () => {
    const { world, room, history } = opened()
    history.older(room)
    world.server.close(1006)
    await world.settled()
    expect([room.isLoading.value, room.failed.value]).toEqual([null, null])
    history.older(room)
    await world.settled()
    world.passUntilRetry()
    world.server.greet()
    history.older(room)
    expect(world.server.sent('history')).toHaveLength(1)
  })
})
