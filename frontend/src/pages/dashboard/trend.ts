/** How a value changed over the displayed range. Pure; times in milliseconds. */
import type { Point } from './series'

export interface Trend {
  readonly direction: 'up' | 'down' | 'steady'
  readonly change: number
  /** When the value was sampled that the change is measured from. */
  readonly since: number
}

/** The share of the range whose mean is the starting value: a single sample would be too noisy. */
const SHARE = 1 / 30
/** Smaller changes, as a share of the value, count as steady. */
const STEADY_SHARE = 0.02

/**
 * Compare the displayed value with the start of the range, or with the first data after it.
 *
 * @param value the value displayed beside the change: the two must agree
 * @param decimals decimals of the metric: a change that would be displayed as zero is steady
 */
export function trendOf(points: readonly Point[], value: number, from: number, to: number, decimals: number): Trend | null {
  const shown = points.filter((point) => point.time >= from && point.time <= to)
  const first = shown[0]
  const last = shown.at(-1)
  if (!first || !last || first === last) return null
  const window = (to - from) * SHARE
  const then = mean(shown.filter((point) => point.time <= first.time + window && point !== last))
  const change = value - then
  const threshold = Math.max(0.5 * 10 ** -decimals, STEADY_SHARE * Math.abs(then))
  const direction = Math.abs(change) < threshold ? 'steady' : change > 0 ? 'up' : 'down'
  return { direction, change, since: first.time }
}

function mean(points: readonly Point[]): number {
  return points.reduce((sum, point) => sum + point.value, 0) / points.length
}
