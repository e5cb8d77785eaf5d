import { describe, expect, it } from 'vitest'

import { chartData, lonePoints, nearest, valueRange } from './chart-data'
import { LatencyWall } from './latency'
import { choose, chartsOf, inOrder, withoutCommonEnd, type Metric } from './metrics'
import { pointsFor } from './ranges'
import { MetricSeries, type Point } from './series'
import { sparkline } from './sparkline'
import { trendOf } from './trend'

const point = (time: number, value: number): Point => ({ time, value, min: value, max: value, count: 1 })
const metric = (name: string, group: Metric['group'], unit: string): Metric => ({
  name, group, unit, title: name, decimals: 1, simulated: false, latest: null,
})

function series(bucketMs: number, samples: readonly (readonly [number, number])[]): MetricSeries {
  const made = new MetricSeries(bucketMs)
  for (const [time, value] of samples) made.append({ time, value })
  return made
}

describe('a chart', () => {
  it('joins the line over times that only another metric has, and breaks it at gaps', () => {
    const seconds = series(1_000, [[0, 1], [1_000, 1], [2_000, 1], [60_000, 1], [61_000, 1]])
    const sparse = series(1_000, [[0, 5], [30_000, 5], [60_000, 5]])
    const data = chartData([seconds, sparse], 61_000)
    const at = (time: number): number => data.times.findIndex((one) => Math.abs(one - time) < 1e-9)
    expect(data.values[1]![at(1)]).toBeUndefined()
    expect(data.values[0]![at(2.001)]).toBeNull()
    expect(data.gaps).toEqual([])
  })

  it('keeps the minimum and maximum of each bucket, so that a spike survives zooming out', () => {
    const data = chartData([series(60_000, [[0, 1], [1_000, 99], [2_000, 1]])], 3_000)
    expect(data.condensed).toEqual([true])
    expect(data.maxima[0]).toEqual([99])
  })

  it('marks points that stand alone between gaps', () => {
    expect(lonePoints([1, null, 2, undefined, null, 3, undefined, 4])).toEqual([0, 2])
  })

  it('finds the point under the crosshair, and none inside a gap', () => {
    const data = chartData([series(1_000, [[0, 1], [1_000, 2], [60_000, 3]])], 60_000)
    expect(data.times[nearest(data, 0, 1.3, 2)!]).toBe(1)
    expect(nearest(data, 0, 30, 2)).toBeNull()
  })

  it('draws percentages up to 100, unless they are too small to be seen there', () => {
    expect(valueRange(3, 60, '%')).toEqual([0, 100])
    expect(valueRange(0, 0.4, '%')[1]).toBeLessThan(1)
    expect(valueRange(21.4, 21.9, '°C')[0]).toBeGreaterThan(21)
    expect(valueRange(7, 7, 'ms')[0]).toBe(0)
    expect(valueRange(null, null, '%')).toEqual([0, 100])
  })
})

describe('metrics', () => {
  it('of one group and unit share a chart, at most three lines each', () => {
    const all = [
      metric('cpu', 'system', '%'), metric('memory', 'system', '%'), metric('errors', 'business', '%'),
      ...['a', 'b', 'c', 'd'].map((name) => metric(name, 'custom', '°C')),
    ]
    expect(chartsOf(all).map((chart) => chart.metrics.map(({ name }) => name))).toEqual([
      ['cpu', 'memory'], ['errors'], ['a', 'b', 'c'], ['d'],
    ])
  })

  it('in one chart are named without the words they share', () => {
    expect(withoutCommonEnd(['CPU usage', 'Memory usage'])).toEqual({ titles: ['CPU', 'Memory'], end: 'usage' })
    expect(withoutCommonEnd(['Usage', 'Usage'])).toEqual({ titles: ['Usage', 'Usage'], end: '' })
    expect(withoutCommonEnd(['Disk usage'])).toEqual({ titles: ['Disk usage'], end: '' })
  })

  it('come in the order of their groups', () => {
    const all = [metric('c', 'custom', ''), metric('b', 'business', ''), metric('s', 'system', '')]
    expect(inOrder(all).map(({ name }) => name)).toEqual(['s', 'b', 'c'])
  })

  it('on the page are those chosen earlier that still exist; choosing none is a choice too', () => {
    const all = [metric('a', 'system', ''), metric('b', 'system', '')]
    expect(choose(all, null)).toEqual(['a', 'b'])
    expect(choose(all, ['b', 'gone'])).toEqual(['b'])
    expect(choose(all, [])).toEqual([])
  })
})

describe('a trend', () => {
  const ramp = Array.from({ length: 900 }, (_, n) => point(n * 1_000, n / 10))

  it('goes up or down by the change over the range', () => {
    expect(trendOf(ramp, ramp.at(-1)!.value, 0, 899_000, 1)).toMatchObject({ direction: 'up', since: 0 })
    expect(trendOf(ramp.map((one) => point(one.time, -one.value)), -ramp.at(-1)!.value, 0, 899_000, 1)?.direction).toBe('down')
  })

  it('is steady when the change is noise', () => {
    const noise = ramp.map((one, n) => point(one.time, 60 + (n % 2) / 2))
    expect(trendOf(noise, noise.at(-1)!.value, 0, 899_000, 1)?.direction).toBe('steady')
  })

  it('agrees with the value beside it, whatever the samples before it', () => {
    const calmThenBusy = [point(0, 10), point(1_000, 10), point(880_000, 90), point(899_000, 90)]
    expect(trendOf(calmThenBusy, 32, 0, 899_000, 1)).toMatchObject({ direction: 'up', change: 22 })
  })

  it('needs two points, and says when its first was taken', () => {
    expect(trendOf([point(5, 1)], 1, 0, 10, 1)).toBeNull()
    expect(trendOf(ramp.slice(600), 60, 0, 899_000, 1)?.since).toBe(600_000)
  })
})

describe('a sparkline', () => {
  it('stays inside its box and ends at the newest value', () => {
    const { path, end } = sparkline([point(0, 1), point(500, 9), point(1_000, 5)], 0, 1_000, 10_000)
    for (const [, x, y] of path.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0)
      expect(Number(x)).toBeLessThanOrEqual(76)
      expect(Number(y)).toBeGreaterThanOrEqual(0)
      expect(Number(y)).toBeLessThanOrEqual(28)
    }
    expect(end?.x).toBeCloseTo(73)
  })

  it('is not drawn across a gap, nor without data', () => {
    const { path } = sparkline([point(0, 1), point(100, 1), point(900, 1), point(1_000, 1)], 0, 1_000, 150)
    expect(path.match(/M/g)).toHaveLength(2)
    expect(sparkline([], 0, 1_000, 10)).toEqual({ path: '', end: null })
  })
})

describe('latencies', () => {
  it('keep the newest 24 as bars and give the 95th percentile', () => {
    const wall = new LatencyWall()
    for (let n = 1; n <= 100; n += 1) wall.add(n)
    expect(wall.bars).toHaveLength(24)
    expect(wall.latest).toBe(100)
    expect(wall.percentile95).toBe(95)
  })

  it('are never negative', () => {
    const wall = new LatencyWall()
    wall.add(-3)
    expect(wall.latest).toBe(0)
  })
})

describe('a history request', () => {
  it('asks for one bucket more than fits, since a range lies off the grid', () => {
    expect(pointsFor(900_000, 2_000)).toBe(451)
  })
})
