/** The data of a chart, made from its metrics' series: columns on a common time axis, gaps, and table rows. Pure. */
import { commonGaps, type Gap, type MetricSeries } from './series'

/** The value of one metric at a time, with its minimum and maximum; null if it has none. */
export interface Cell {
  readonly value: number
  readonly min: number
  readonly max: number
}

export interface ChartData {
  /** Seconds since 1970, ascending. */
  readonly times: number[]
  /** One column per metric; `undefined` is drawn over, `null` breaks the line. */
  readonly values: (number | null | undefined)[][]
  readonly minima: (number | null | undefined)[][]
  readonly maxima: (number | null | undefined)[][]
  /** Whether a metric's points stand for several samples. */
  readonly condensed: boolean[]
  /** Periods without data from any metric, in seconds. */
  readonly gaps: Gap[]
}

/** @param end right edge of the chart in milliseconds */
export function chartData(all: readonly MetricSeries[], end: number): ChartData {
  const gaps = all.map((series) => series.gaps(end))
  const rows = new Map<number, (Cell | null)[]>()
  all.forEach((series, metric) => {
    const at = (time: number): (Cell | null)[] => {
      const row = rows.get(time) ?? []
      rows.set(time, row)
      return row
    }
    for (const point of series.points) at(point.time)[metric] = point
    // A break lies one millisecond after the last point before it, where there is no other data.
    for (const gap of gaps[metric]!) at(gap.from + 1)[metric] = null
  })
  const times = [...rows.keys()].sort((a, b) => a - b)
  const column = (metric: number, field: keyof Cell): (number | null | undefined)[] =>
    times.map((time) => {
      const cell = rows.get(time)![metric]
      return cell ? cell[field] : cell
    })
  return {
    times: times.map((time) => time / 1000),
    values: all.map((_, metric) => column(metric, 'value')),
    minima: all.map((_, metric) => column(metric, 'min')),
    maxima: all.map((_, metric) => column(metric, 'max')),
    condensed: all.map((series) => series.isCondensed),
    gaps: commonGaps(gaps).map(({ from, to }) => ({ from: from / 1000, to: to / 1000 })),
  }
}

/** Isolated points between gaps, which a line cannot show. */
export function lonePoints(column: ArrayLike<number | null | undefined>): number[] {
  const present = Array.from(column).flatMap((value, index) => (value === undefined ? [] : [index]))
  return present.filter((_, place) => {
    const isValue = (at: number): boolean => at >= 0 && at < present.length && column[present[at]!] !== null
    return isValue(place) && !isValue(place - 1) && !isValue(place + 1)
  })
}

/** The index of the metric's point closest to a time (seconds) within `reach`, or null. */
export function nearest(data: ChartData, metric: number, time: number, reach: number): number | null {
  const column = data.values[metric] ?? []
  let best: number | null = null
  let distance = reach
  data.times.forEach((at, index) => {
    if (typeof column[index] !== 'number' || Math.abs(at - time) > distance) return
    best = index
    distance = Math.abs(at - time)
  })
  return best
}

/** The lower and upper end of the value axis, before rounding. */
export function valueRange(low: number | null, high: number | null, unit: string): [number, number] {
  if (low === null || high === null) return [0, unit === '%' ? 100 : 1]
  // Percentages are drawn from 0 to 100, unless they are so small that the line would be flat.
  if (unit === '%' && low >= 0 && high <= 100 && high > 25) return [0, 100]
  // Differences that a double cannot show beside the value are none.
  const span = high - low > Math.max(LEAST_SPAN, LEAST_SHARE * Math.max(Math.abs(high), Math.abs(low))) ? high - low : 0
  const fromZero = low >= 0 && (low < high / 2 || span === 0)
  const margin = span > 0 ? span * 0.12 : marginOf(high)
  return [fromZero ? 0 : low - margin, high + margin]
}

const LEAST_SHARE = 1e-12
/** Below this a double loses digits. */
const LEAST_SPAN = 1e-290
/** Around a value that does not change; a tiny one would be a line on the bottom otherwise. */
const marginOf = (value: number): number => (Math.abs(value) < LEAST_SPAN ? 0.5 : Math.abs(value) * 0.1)
