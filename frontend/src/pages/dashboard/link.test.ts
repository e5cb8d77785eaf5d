import { describe, expect, it } from 'vitest'

import { rangeReaching, readLink } from './link'

const NOW = Date.UTC(2026, 10, 21, 12)
const MINUTE = 60_000

describe('a link to a chart', () => {
  it('names a metric, and a moment where it has one', () => {
    expect(readLink('?metric=cpu_usage&at=2026-11-21T12:00:00.000000Z')).toEqual({ metric: 'cpu_usage', at: NOW })
    expect(readLink('?metric=cpu_usage')).toEqual({ metric: 'cpu_usage', at: null })
    expect(readLink('?metric=cpu_usage&at=soon')).toEqual({ metric: 'cpu_usage', at: null })
    expect(readLink('?workspace=main')).toBeNull()
  })

  it('is shown in the shortest range that holds its moment', () => {
    expect(rangeReaching(NOW - MINUTE, NOW).key).toBe('15m')
    expect(rangeReaching(NOW - 14 * MINUTE, NOW).key).toBe('1h')
    expect(rangeReaching(NOW - 30 * 24 * 60 * MINUTE, NOW).key).toBe('7d')
  })
})
