import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { CommandError } from './commands'
import { FakeServer, World } from './testing'

const MINUTE = 60_000

function live(world = new World()): { world: World; server: FakeServer } {
  world.connection.start()
  const server = world.server
  server.greet()
  return { world, server }
}

describe('connecting', () => {
  it('is live once the server has greeted, not before', () => {
    const world = new World()
    world.connection.start()
    expect(world.connection.state.kind).toBe('connecting')
    world.server.greet()
    expect(world.connection.state.kind).toBe('live')
  })

  it('subscribes as soon as it is greeted, and again after every reconnect', () => {
    const world = new World()
    world.connection.subscribe({ metrics: ['cpu_usage'] }, { history: 0 })
    live(world)
    expect(world.server.sent('subscribe')).toMatchObject([{ metrics: ['cpu_usage'], history: 0 }])
    world.connection.subscribe({ metrics: ['memory_usage'] })
    world.connection.unsubscribe({ metrics: ['cpu_usage'] })
    world.server.close(1006)
    world.pass(MINUTE)
    world.server.greet()
    expect(world.server.sent('subscribe')).toMatchObject([{ metrics: ['memory_usage'] }])
  })

  it('gives up on a server that accepts and says nothing, and tries again', () => {
    const world = new World()
    world.connection.start()
    world.pass(14_999)
    expect(world.servers).toHaveLength(1)
    world.pass(MINUTE)
    expect(world.servers.length).toBeGreaterThan(1)
    expect(world.servers[0]!.closedWith).toBe(4012)
  })

  it('ignores a transport that it has dropped', () => {
    const { world, server } = live()
    server.close(1006)
    world.pass(MINUTE)
    server.push({ type: 'heartbeat', offsets: {} })
    expect(world.servers[1]!.sent('heartbeat_ack')).toEqual([])
  })
})

describe('trying again', () => {
  it('waits a random time up to 0.5 s · 2ⁿ, at most 20 s', () => {
    const world = new World({ random: () => 0.999 })
    world.connection.start()
    const waits: number[] = []
    for (let n = 0; n < 8; n += 1) {
      world.server.close(1006)
      waits.push(world.waitMs)
      world.passUntilRetry()
    }
    expect(waits.map(Math.round)).toEqual([500, 999, 1998, 3996, 7992, 15984, 19980, 19980])
  })

  it('resets the back-off only after a connection that lasted', () => {
    const world = new World({ random: () => 0.999 })
    world.connection.start()
    const waits: number[] = []
    for (let n = 0; n < 4; n += 1) {
      world.server.greet()
      world.server.close(1013)
      waits.push(world.waitMs)
      world.passUntilRetry()
    }
    expect(waits.map(Math.round)).toEqual([500, 999, 1998, 3996])
    world.server.greet()
    world.pass(6_000)
    world.server.close(1006)
    expect(world.waitMs).toBeLessThanOrEqual(500)
  })

  it('reconnects no sooner than the server asked for', () => {
    const { world, server } = live()
    server.push({ type: 'disconnect', code: 1001, reason: 'restart', retry_after: 7 })
    server.close(1001)
    expect(world.waitMs).toBeGreaterThanOrEqual(7_000)
    expect(world.waitMs).toBeLessThanOrEqual(7_500)
  })

  it.each([1001, 1006, 1011, 1012, 1013, 4008, 4012, 4013, 4499])('comes back after %i', (code) => {
    const { world, server } = live()
    server.close(code)
    expect(world.connection.state.kind).toBe('reconnecting')
  })

  it.each([
    [1000, 'closed'],
    [1003, 'refused'],
    [1007, 'refused'],
    [1008, 'unauthenticated'],
    [1009, 'refused'],
    [4500, 'session_ended'],
    [4999, 'refused'],
  ])('stops for good after %i', (code, reason) => {
    const { world, server } = live()
    server.close(code)
    expect(world.connection.state).toEqual({ kind: 'stopped', reason, code })
    world.pass(10 * MINUTE)
    world.connection.retryNow()
    world.connection.networkChanged(true)
    expect(world.servers).toHaveLength(1)
  })

  it('tries immediately when asked, and when the network is back', () => {
    const { world, server } = live()
    server.close(1006)
    world.connection.retryNow()
    expect(world.servers).toHaveLength(2)
    world.server.close(1006)
    world.online = false
    world.connection.networkChanged(false)
    expect(world.connection.state.kind).toBe('offline')
    world.connection.networkChanged(true)
    expect(world.servers).toHaveLength(3)
  })

  it('keeps trying without a network: the server may be this very machine', () => {
    const { world, server } = live()
    world.online = false
    server.close(1006)
    world.pass(MINUTE)
    expect(world.servers.length).toBeGreaterThan(1)
  })

  it('stops when tries fail because the session is over', async () => {
    const world = new World({ sessionIsValid: () => Promise.resolve(false) })
    world.connection.start()
    world.server.close(1006)
    await world.settled()
    expect(world.connection.state).toMatchObject({ kind: 'stopped', reason: 'unauthenticated' })
  })

  it('closes for good when told to', () => {
    const { world, server } = live()
    world.connection.stop()
    expect(server.closedWith).toBe(1000)
    expect(world.connection.state).toMatchObject({ kind: 'stopped', reason: 'closed' })
  })
})

describe('signs of life', () => {
  it('answers a heartbeat with its timestamp', () => {
    const { server } = live()
    server.push({ type: 'heartbeat', timestamp: '2026-11-21T12:00:00.000000Z', offsets: {} })
    expect(server.sent('heartbeat_ack')).toMatchObject([{ timestamp: '2026-11-21T12:00:00.000000Z' }])
  })

  it('drops a connection that is silent for longer than the server said, and reconnects', () => {
    const world = new World()
    world.connection.start()
    world.server.greet({ heartbeat_timeout: 20 })
    world.pass(19_000)
    expect(world.connection.state.kind).toBe('live')
    world.pass(2_000)
    expect(world.connection.state.kind).toBe('reconnecting')
    expect(world.servers[0]!.closedWith).toBe(4012)
  })

  it('stays open while any frame arrives', () => {
    const { world, server } = live()
    for (let n = 0; n < 10; n += 1) {
      world.pass(40_000)
      server.push({ type: 'realtime_metrics', metrics: {} })
    }
    expect(world.connection.state.kind).toBe('live')
  })

  it('checks a connection whose silence timer expired while the page slept', () => {
    const { world, server } = live()
    world.sleep(10 * MINUTE)
    world.connection.wokeUp()
    expect(server.closedWith).toBe(4012)
    expect(world.connection.state.kind).toBe('reconnecting')
  })

  it('learns the clock offset from the fastest ping', async () => {
    const { world, server } = live()
    server.clockAheadMs = 5_000
    for (const [delay, roundTrip] of [[0, 400], [400, 20], [1200, 900]] as const) {
      world.pass(delay)
      server.roundTripMs = roundTrip
      server.answerPing(roundTrip / 2)
      await world.settled()
    }
    expect(world.connection.clock.offsetMs).toBeCloseTo(5_000, -1)
  })

  it('uses the greeting of a new connection immediately, since a clock may have been set in the meantime', async () => {
    const { world, server } = live()
    for (const delay of [0, 400]) {
      world.pass(delay)
      server.answerPing(5)
    }
    await world.settled()
    server.close(1006)
    world.passUntilRetry()
    world.server.clockAheadMs = 60 * MINUTE
    world.server.greet()
    expect(world.connection.clock.offsetMs).toBe(60 * MINUTE)
    expect(world.connection.serverNow).toBe(world.now + 60 * MINUTE)
  })
})

describe('commands', () => {
  it('gets the reply with its own id, whatever else arrives in between', async () => {
    const { world, server } = live()
    const [first, second] = [world.connection.command('history', { metric: 'a' }), world.connection.command('history', { metric: 'b' })]
    const [a, b] = server.sent('history')
    server.push({ type: 'historical_data', id: b!.id, metric: 'b', data: [] })
    server.push({ type: 'realtime_metrics', metrics: {} })
    server.push({ type: 'historical_data', id: a!.id, metric: 'a', data: [] })
    expect((await first).metric).toBe('a')
    expect((await second).metric).toBe('b')
  })

  it('is refused with the code, the errors by field and the time to wait', async () => {
    const { world, server } = live()
    const reply = world.connection.command('history', { metric: 'a' })
    const id = server.sent('history')[0]!.id
    server.push({ type: 'error', id, code: 'rate_limited', message: 'slow down', retry_after: 1.5, errors: { metric: ['no'] } })
    await expect(reply).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 1500, errors: { metric: ['no'] } })
  })

  it('fails when the connection ends first, when no reply comes, and when there is no connection', async () => {
    const { world, server } = live()
    const codes: string[] = []
    const note = (error: CommandError): void => void codes.push(error.code)
    world.connection.command('history').catch(note)
    world.pass(16_000)
    world.connection.command('history').catch(note)
    server.close(1006)
    world.connection.command('history').catch(note)
    await world.settled()
    expect(codes).toEqual(['timeout', 'disconnected', 'disconnected'])
  })
})

describe('a subscription', () => {
  it('that fails temporarily is repeated after the delay that the server asked for', async () => {
    const { world, server } = live()
    world.connection.subscribe({ metrics: ['a'] })
    server.refuse('subscribe', { code: 'rate_limited', retry_after: 3 })
    await world.settled()
    world.pass(2_900)
    expect(server.sent('subscribe')).toHaveLength(1)
    world.pass(1_000)
    expect(server.sent('subscribe')).toHaveLength(2)
  })

  it('that is refused for good is reported once', async () => {
    const { world, server } = live()
    const refusals: string[] = []
    world.connection.onSubscriptionRefused((error) => refusals.push(error.code))
    world.connection.subscribe({ metrics: ['gone'] })
    server.refuse('subscribe', { code: 'not_found' })
    await world.settled()
    world.pass(MINUTE / 2)
    expect(refusals).toEqual(['not_found'])
    expect(server.sent('subscribe')).toHaveLength(1)
  })
})

describe('batches', () => {
  it('are taken apart', () => {
    const { world, server } = live()
    const seen: unknown[] = []
    world.connection.on('trade', (frame) => seen.push(frame.trade_id))
    server.push({ type: 'batch_messages', count: 2, messages: [{ type: 'trade', trade_id: 1 }, { type: 'trade', trade_id: 2 }] })
    expect(seen).toEqual([1, 2])
  })
})

describe('log streams', () => {
  const event = (offset: number, epoch = 'e1'): object => ({ type: 'chat_message', stream: 'room:ops', epoch, offset })

  function inRoom(): { world: World; server: FakeServer; seen: number[] } {
    const world = new World()
    const seen: number[] = []
    world.connection.on('chat_message', (frame) => seen.push(frame.offset as number))
    world.connection.subscribe({ rooms: ['ops'] })
    const { server } = live(world)
    server.confirm({ 'room:ops': { epoch: 'e1', offset: 10, recovered: false } })
    return { world, server, seen }
  }

  it('drop what was already delivered', () => {
    const { server, seen } = inRoom()
    for (const offset of [10, 11, 11, 12]) server.push(event(offset))
    expect(seen).toEqual([11, 12])
  })

  it('resume from the last event after a reconnect', () => {
    const { world, server } = inRoom()
    server.push(event(11))
    server.close(1006)
    world.pass(MINUTE)
    world.server.greet()
    expect(world.server.sent('subscribe')).toMatchObject([{ rooms: ['ops'], recover: { 'room:ops': { epoch: 'e1', offset: 11 } } }])
  })

  it('request missing events once, and deliver them in order', async () => {
    const { world, server, seen } = inRoom()
    for (const offset of [11, 13, 14]) server.push(event(offset))
    expect(server.sent('subscribe').slice(1)).toMatchObject([{ recover: { 'room:ops': { offset: 11 } } }])
    server.confirm({ 'room:ops': { epoch: 'e1', offset: 14, recovered: true } })
    await world.settled()
    for (const offset of [12, 13, 14, 15]) server.push(event(offset))
    expect(seen).toEqual([11, 12, 13, 14, 15])
  })

  it('notice from the heartbeat that the newest events never came', () => {
    const { server } = inRoom()
    server.push({ type: 'heartbeat', timestamp: 't', offsets: { 'room:ops': 12, 'room:other': 99 } })
    expect(server.sent('subscribe').slice(1)).toMatchObject([{ recover: { 'room:ops': { offset: 10 } } }])
  })

  it('that are no longer followed are not resumed', () => {
    const { world, server } = inRoom()
    world.connection.unsubscribe({ rooms: ['ops'] })
    server.push({ type: 'heartbeat', timestamp: 't', offsets: { 'room:ops': 99 } })
    server.close(1006)
    world.pass(MINUTE)
    world.server.greet()
    expect(server.sent('subscribe')).toHaveLength(1)
    expect(world.server.sent('subscribe')).toEqual([])
  })

  it('start over when the server cannot recover their position at all', async () => {
    const { world, server, seen } = inRoom()
    server.push(event(13))
    server.refuse('subscribe', { code: 'unrecoverable_position' })
    await world.settled()
    world.pass(1_000)
    expect(server.sent('subscribe').at(-1)).not.toHaveProperty('recover')
    server.confirm({ 'room:ops': { epoch: 'e1', offset: 20, recovered: false } })
    server.push(event(21))
    expect(seen).toEqual([21])
  })

  it('continue from the position in a snapshot', () => {
    const world = new World()
    const seen: unknown[] = []
    world.connection.on('order_update', (frame) => seen.push(frame.offset))
    const { server } = live(world)
    server.push({ type: 'orders_snapshot', epoch: 'e1', offset: 7, data: [] })
    for (const offset of [7, 8]) server.push({ type: 'order_update', stream: 'orders', epoch: 'e1', offset })
    expect(seen).toEqual([8])
  })

  it('take a snapshot at the confirmed position, and continue after it', () => {
    const { world, server, seen } = inRoom()
    const snapshots: unknown[] = []
    world.connection.on('room_snapshot', (frame) => snapshots.push(frame.offset))
    server.confirm({ 'room:ops': { epoch: 'e2', offset: 40, recovered: false } })
    server.push({ type: 'room_snapshot', stream: 'room:ops', epoch: 'e2', offset: 40 })
    server.push(event(41, 'e2'))
    expect(snapshots).toEqual([40])
    expect(seen).toEqual([41])
  })

  it('start from the given position when theirs cannot be resumed', () => {
    const { server, seen } = inRoom()
    server.push(event(1, 'e2'))
    server.confirm({ 'room:ops': { epoch: 'e2', offset: 40, recovered: false } })
    server.push(event(41, 'e2'))
    expect(seen).toEqual([41])
  })

  it('deliver each event exactly once and in order, whatever the network loses, duplicates or cuts', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('append', 'lose', 'double', 'cut', 'heartbeat'), { maxLength: 120 }), (wire) => {
        const { world, seen } = inRoom()
        let head = 10
        const tell = (offset: number): void => world.server.push(event(offset))
        const answerSubscribe = (): void => {
          for (const { id, recover } of world.server.unanswered('subscribe')) {
            const from = (recover as { 'room:ops'?: { offset: number } } | undefined)?.['room:ops']?.offset ?? head
            world.server.push({ type: 'subscription_confirmed', id, positions: { 'room:ops': { epoch: 'e1', offset: head, recovered: true } } })
            for (let offset = from + 1; offset <= head; offset += 1) tell(offset)
          }
        }
        for (const step of [...wire, 'heartbeat']) {
          if (step === 'cut') {
            world.server.close(1006)
            world.pass(MINUTE)
            world.server.greet()
          } else if (step === 'heartbeat') {
            world.server.push({ type: 'heartbeat', timestamp: 't', offsets: { 'room:ops': head } })
          } else {
            head += 1
            if (step !== 'lose') tell(head)
            if (step === 'double') tell(head)
          }
          answerSubscribe()
        }
        expect(seen).toEqual(Array.from({ length: head - 10 }, (_, index) => 11 + index))
      }),
      { numRuns: 300 },
    )
  })
})
