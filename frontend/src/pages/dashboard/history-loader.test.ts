import { describe, expect, it } from 'vitest'

import { World } from '@/lib/socket/testing'

import { HistoryLoader, readHistory, type History, type HistoryRequest } from './history-loader'

const request = (metric: string, start = 0): HistoryRequest => ({ metric, start, end: start + 10_000, bucketMs: 1_000 })

function loading(): { world: World; loader: HistoryLoader; loaded: [HistoryRequest, History][]; failed: HistoryRequest[]; answer: (id: unknown) => void } {
  const world = new World()
  world.connection.start()
  world.server.greet()
  const loaded: [HistoryRequest, History][] = []
  const failed: HistoryRequest[] = []
  const loader = new HistoryLoader(world.connection, {
    loaded: (wanted, history) => loaded.push([wanted, history]),
    failed: (wanted) => failed.push(wanted),
  })
  const answer = (id: unknown): void => world.server.push({ type: 'historical_data', id, resolution: 1, data: [] })
  return { world, loader, loaded, failed, answer }
}

describe('loading history', () => {
  it('asks for a range in as many points as its buckets need', () => {
    const { world, loader } = loading()
    loader.load(request('cpu_usage'))
    expect(world.server.sent('history')).toMatchObject([
      { metric: 'cpu_usage', start: '1970-01-01T00:00:00.000Z', end: '1970-01-01T00:00:10.000Z', points: 11 },
    ])
  })

  it('has only a few requests in flight at once', async () => {
    const { world, loader, loaded, answer } = loading()
    for (const metric of ['a', 'b', 'c', 'd', 'e', 'f']) loader.load(request(metric))
    expect(world.server.sent('history')).toHaveLength(4)
    answer(world.server.sent('history')[0]!.id)
    await world.settled()
    expect(world.server.sent('history')).toHaveLength(5)
    expect(loaded).toHaveLength(1)
  })

  it('keeps the newest request for a metric, whichever response comes last', async () => {
    const { world, loader, loaded, answer } = loading()
    loader.load(request('a', 0))
    loader.load(request('a', 5_000))
    const [first, second] = world.server.sent('history')
    answer(second!.id)
    answer(first!.id)
    await world.settled()
    expect(loaded.map(([wanted]) => wanted.start)).toEqual([5_000])
  })

  it('reports a refusal, but not the end of the connection, after which everything is loaded again', async () => {
    const { world, loader, failed } = loading()
    loader.load(request('a'))
    world.server.refuse('history', { code: 'internal' })
    await world.settled()
    expect(failed.map(({ metric }) => metric)).toEqual(['a'])
    loader.load(request('b'))
    world.server.close(1006)
    await world.settled()
    expect(failed).toHaveLength(1)
  })

  it('reads the points of a reply, and a resolution in seconds', () => {
    const row = { metric: 'a', timestamp: '2026-11-21T12:00:00.000000Z', value: 2, min: 1, max: 3, count: 5 }
    const { points, bucketMs } = readHistory({ type: 'historical_data', resolution: 60, data: [row, { metric: 'a', timestamp: '?', value: 1 }] }, 1_000)
    expect(bucketMs).toBe(60_000)
    expect(points).toEqual([{ time: Date.UTC(2026, 10, 21, 12), value: 2, min: 1, max: 3, count: 5 }])
  })
})
