import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { commonGaps, MetricSeries, type Point } from './series'

const point = (time: number, value = 1, count = 1): Point => ({ time, value, min: value, max: value, count })
const times = (series: MetricSeries): number[] => series.points.map(({ time }) => time)

describe('live samples', () => {
  it('in one bucket become its mean, minimum, maximum and count', () => {
    const series = new MetricSeries(5_000)
    for (const [time, value] of [[10_000, 4], [11_000, 1], [14_999, 7], [15_000, 9]] as const) series.append({ time, value })
    expect(series.points).toEqual([
      { time: 10_000, value: 4, min: 1, max: 7, count: 3 },
      { time: 15_000, value: 9, min: 9, max: 9, count: 1 },
    ])
  })

  it('set the latest value, and an older one never replaces it', () => {
    const series = new MetricSeries(1_000)
    series.append({ time: 5_000, value: 5 })
    series.append({ time: 3_000, value: 3 })
    expect(series.latest).toEqual({ time: 5_000, value: 5 })
    expect(times(series)).toEqual([5_000])
  })
})

describe('history', () => {
  it('replaces the points, and keeps newer live samples', () => {
    const series = new MetricSeries(1_000)
    for (const time of [8_000, 9_000, 10_000, 11_000]) series.append({ time, value: 1 })
    series.replace([point(7_000), point(8_000), point(9_000)], 1_000)
    expect(times(series)).toEqual([7_000, 8_000, 9_000, 10_000, 11_000])
  })

  it('does not count a sample twice that its last bucket already holds', () => {
    const series = new MetricSeries(5_000)
    series.append({ time: 11_000, value: 2 })
    series.append({ time: 16_000, value: 4 })
    series.replace([{ time: 10_000, value: 2, min: 2, max: 2, count: 1 }], 5_000)
    expect(series.points).toEqual([point(10_000, 2), point(15_000, 4)])
  })

  it('of a missed period closes the gap without changing other points', () => {
    const series = new MetricSeries(1_000)
    for (const time of [1_000, 2_000, 3_000, 20_000]) series.append({ time, value: 1 })
    expect(series.gaps(20_000)).toHaveLength(1)
    series.patch(3_000, Array.from({ length: 18 }, (_, n) => point(3_000 + n * 1_000)))
    expect(times(series)).toEqual(Array.from({ length: 20 }, (_, n) => 1_000 + n * 1_000))
    expect(series.gaps(20_000)).toEqual([])
  })

  it('leaves the points in order, each bucket once, whatever arrives when', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('live' as const), time: fc.nat(60) }),
      fc.record({ kind: fc.constant('patch' as const), time: fc.nat(60) }),
      fc.record({ kind: fc.constant('replace' as const), time: fc.nat(60) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const series = new MetricSeries(2_000)
        for (const { kind, time } of steps) {
          const from = Math.floor(time / 2) * 2_000
          const points = [point(from), point(from + 2_000)]
          if (kind === 'live') series.append({ time: time * 1_000, value: 1 })
          else if (kind === 'patch') series.patch(from, points)
          else series.replace(points, 2_000)
        }
        const all = times(series)
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b))
      }),
    )
  })
})

describe('gaps', () => {
  it('are where several samples in a row are missing', () => {
    const series = new MetricSeries(1_000)
    for (const time of [0, 1_000, 2_000, 4_000, 5_000, 30_000, 31_000]) series.append({ time, value: 1 })
    expect(series.gaps(31_500)).toEqual([{ from: 5_000, to: 30_000 }])
  })

  it('reach to the right edge when no more samples arrive', () => {
    const series = new MetricSeries(1_000)
    for (const time of [0, 1_000, 2_000]) series.append({ time, value: 1 })
    expect(series.gaps(60_000)).toEqual([{ from: 2_000, to: 60_000 }])
  })

  it('are not between the samples of a source that is read once a minute', () => {
    const series = new MetricSeries(1_000)
    for (let minute = 0; minute < 10; minute += 1) series.append({ time: minute * 60_000, value: 1 })
    expect(series.gaps(9 * 60_000 + 30_000)).toEqual([])
  })

  it('of a chart are where none of its metrics has data', () => {
    const both = commonGaps([[{ from: 0, to: 10 }, { from: 20, to: 30 }], [{ from: 5, to: 22 }]])
    expect(both).toEqual([{ from: 5, to: 10 }, { from: 20, to: 22 }])
  })
})

describe('old points', () => {
  it('are forgotten once they lie before the range', () => {
    const series = new MetricSeries(1_000)
    for (const time of [1_000, 2_000, 3_000, 4_000]) series.append({ time, value: 1 })
    series.trim(3_500)
    expect(times(series)).toEqual([3_000, 4_000])
  })
})
