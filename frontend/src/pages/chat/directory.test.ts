import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { World, type FakeServer } from '@/lib/socket/testing'

import { RoomDirectory } from './directory'
import { ALICE } from './model/testing'
import { readStateOf, roomOf } from './model/wire'
import type { ChatApi } from './rest'

const summary = (slug: string) => ({ slug, name: slug, kind: 'public', role: 'member', head_sequence: 3, read_sequence: 3, unread: 0 })
const position = (offset: number, recovered: boolean) => ({ epoch: 'e', offset, recovered })

/** A connected user who is a member of these rooms. */
async function begun(...slugs: string[]) {
  const world = new World()
  world.connection.start()
  world.server.greet()
  const api = { rooms: () => Promise.resolve(slugs.map((slug) => ({ info: roomOf(summary(slug)), counts: readStateOf(summary(slug)) }))) }
  const directory = new RoomDirectory(world.connection, api as unknown as ChatApi, ALICE, [])
  await directory.load()
  return { world, directory }
}

/** Confirm the newest subscription, as the server does, for its `rooms` and for those in `recover`. */
function confirm(server: FakeServer, positions: Readonly<Record<string, object>>): void {
  const rooms = Object.fromEntries(Object.keys(positions).map((slug) => [slug, {}]))
  const byStream = Object.fromEntries(Object.entries(positions).map(([slug, one]) => [`room:${slug}`, one]))
  server.push({ type: 'subscription_confirmed', id: server.sent('subscribe').at(-1)!.id, rooms, positions: byStream })
}

const snapshot = (room: string) => ({ type: 'room_snapshot', room, stream: `room:${room}`, epoch: 'e', offset: 7, info: summary(room), data: [] })

function reconnected(world: World): FakeServer {
  world.server.close(1006)
  world.passUntilRetry()
  world.server.greet()
  return world.server
}

describe('followed rooms', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('are subscribed without their position if the connection ended before their snapshot', async () => {
    const { world } = await begun('ops', 'pit')
    confirm(world.server, { ops: position(7, false), pit: position(7, false) })
    world.server.push(snapshot('ops'))
    const server = reconnected(world)
    confirm(server, { ops: position(7, true), pit: position(7, true) })
    expect(server.sent('unsubscribe')).toMatchObject([{ rooms: ['pit'] }])
    expect(server.sent('subscribe').slice(1)).toMatchObject([{ rooms: ['pit'] }])
    expect(Object.keys(server.sent('subscribe')[1]!.recover as object)).toEqual(['room:ops'])
  })

  it('are subscribed again if their snapshot never arrives, and only then', async () => {
    const { world } = await begun('ops', 'pit')
    confirm(world.server, { ops: position(7, false), pit: position(7, false) })
    vi.advanceTimersByTime(4_000)
    world.server.push(snapshot('ops'))
    vi.advanceTimersByTime(4_000)
    expect(world.server.sent('subscribe')).toHaveLength(1)
    vi.advanceTimersByTime(1_000)
    expect(world.server.sent('subscribe').slice(1)).toMatchObject([{ rooms: ['pit'] }])
    confirm(world.server, { ops: position(7, true), pit: position(7, false) })
    world.server.push(snapshot('pit'))
    vi.advanceTimersByTime(60_000)
    expect(world.server.sent('subscribe')).toHaveLength(2)
  })

  it('are never more than one connection may follow: those opened last', async () => {
    const slugs = Array.from({ length: 66 }, (_, index) => `room-${index}`)
    const { world, directory } = await begun(...slugs)
    for (const slug of slugs.slice(60)) directory.follow(slug)
    directory.follow('room-6')
    const followed = reconnected(world).sent('subscribe')[0]!.rooms as string[]
    expect(followed.length).toBeLessThanOrEqual(64)
    expect(followed).toEqual(expect.arrayContaining([...slugs.slice(60), 'room-6']))
    directory.follow('room-0')
    expect(world.server.sent('unsubscribe')).toMatchObject([{ rooms: ['room-7'] }])
  })
})
