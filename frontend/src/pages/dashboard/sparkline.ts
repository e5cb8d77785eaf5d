/** A small line chart of the range, as SVG path data. Pure. */
import type { Point } from './series'

export const SPARK_WIDTH = 76
export const SPARK_HEIGHT = 28
const INSET = 3
const COLUMNS = 36

export interface Sparkline {
  readonly path: string
  /** The end of the line: the newest value. */
  readonly end: { readonly x: number; readonly y: number } | null
}

/** Draw the points in [from, to]; points further apart than `longestSpacing` are not connected. */
export function sparkline(points: readonly Point[], from: number, to: number, longestSpacing: number): Sparkline {
  const condensed = condense(points, from, to)
  if (condensed.length === 0) return { path: '', end: null }
  const values = condensed.map((point) => point.value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const x = (time: number): number => INSET + ((SPARK_WIDTH - 2 * INSET) * (time - from)) / (to - from)
  const y = (value: number): number =>
    high === low ? SPARK_HEIGHT / 2 : SPARK_HEIGHT - INSET - ((SPARK_HEIGHT - 2 * INSET) * (value - low)) / (high - low)
  const longest = Math.max(longestSpacing, (2 * (to - from)) / COLUMNS)
  const path = condensed
    .map((point, index) => {
      const before = condensed[index - 1]
      const joined = before && point.time - before.time <= longest
      return `${joined ? 'L' : 'M'}${x(point.time).toFixed(1)} ${y(point.value).toFixed(1)}`
    })
    .join('')
  const last = condensed.at(-1)!
  return { path, end: { x: x(last.time), y: y(last.value) } }
}

/** One mean per column of the drawing; the newest point is kept unchanged. */
function condense(points: readonly Point[], from: number, to: number): { time: number; value: number }[] {
  const width = (to - from) / COLUMNS
  const columns = new Map<number, { time: number; value: number; count: number }>()
  for (const point of points) {
    if (point.time < from || point.time > to) continue
    // Columns lie on a fixed grid, so that the line does not shimmer while the range moves.
    const column = Math.floor(point.time / width)
    const sum = columns.get(column)
    if (sum) {
      sum.value += point.value
      sum.time = point.time
      sum.count += 1
    } else columns.set(column, { time: point.time, value: point.value, count: 1 })
  }
  const line = [...columns.values()].map(({ time, value, count }) => ({ time, value: value / count }))
  const last = points.at(-1)
  if (last && line.length > 0 && last.time <= to) line[line.length - 1] = { time: last.time, value: last.value }
  return line
}
