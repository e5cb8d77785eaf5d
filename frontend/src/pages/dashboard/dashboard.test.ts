import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { World } from '@/lib/socket/testing'

import { Dashboard } from './dashboard'
import { RANGES } from './ranges'

const page = vi.hoisted(() => ({ world: null as unknown }))
const METRIC = { name: 'cpu_usage', title: 'CPU usage', group: 'system', unit: '%', decimals: 1, simulated: false, latest: null }

vi.mock('@/lib/socket', async (original) => ({ ...(await original<object>()), openConnection: () => (page.world as World).connection }))
vi.mock('@/lib/api', async (original) => ({ ...(await original<object>()), get: () => Promise.resolve([METRIC]) }))

/** A connected page with one metric, and its range loaded. */
async function begun() {
  const world = new World()
  page.world = world
  const dashboard = new Dashboard('main')
  await world.settled()
  world.connection.start()
  world.server.greet()
  world.server.push({ type: 'historical_data', id: world.server.sent('history').at(-1)!.id, resolution: 2, data: [] })
  await world.settled()
  expect(dashboard.loads.get('cpu_usage')).toBe('ready')
  return { world, dashboard }
}

describe('the dashboard', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('location', new URL('http://pitwall/dashboards/'))
    vi.stubGlobal('requestAnimationFrame', () => 0)
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('loads a range chosen while paused and disconnected once the connection is back', async () => {
    const { world, dashboard } = await begun()
    dashboard.pause()
    world.server.close(1006)
    dashboard.setRange(RANGES[1]!)
    world.passUntilRetry()
    world.server.greet()
    const end = new Date(dashboard.pausedAt.value!).toISOString()
    expect(world.server.sent('history')).toMatchObject([{ metric: 'cpu_usage', end }])
    expect(world.server.sent('subscribe')).toEqual([])
  })

  it('requests nothing while paused if it has its whole range', async () => {
    const { world, dashboard } = await begun()
    dashboard.pause()
    world.server.close(1006)
    world.passUntilRetry()
    world.server.greet()
    expect(world.server.sent('history')).toEqual([])
  })
})
