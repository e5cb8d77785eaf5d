/** The time ranges that the page offers, and the resolution of each. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export interface TimeRange {
  readonly key: '15m' | '1h' | '6h' | '24h' | '7d'
  readonly lengthMs: number
  /** The width of one point: a few hundred points make a legible line, with their minima and maxima as a band around it. */
  readonly bucketMs: number
}

export const RANGES: readonly TimeRange[] = [
  { key: '15m', lengthMs: 15 * MINUTE, bucketMs: 2 * SECOND },
  { key: '1h', lengthMs: HOUR, bucketMs: 10 * SECOND },
  { key: '6h', lengthMs: 6 * HOUR, bucketMs: MINUTE },
  { key: '24h', lengthMs: 24 * HOUR, bucketMs: 5 * MINUTE },
  { key: '7d', lengthMs: 7 * 24 * HOUR, bucketMs: 30 * MINUTE },
]

export const DEFAULT_RANGE = RANGES[0]!

export function rangeByKey(key: string | null): TimeRange {
  return RANGES.find((range) => range.key === key) ?? DEFAULT_RANGE
}

/** How many points to request, so that the server answers in buckets of `bucketMs`: an unaligned range touches one more. */
export function pointsFor(lengthMs: number, bucketMs: number): number {
  return Math.ceil(lengthMs / bucketMs) + 1
}
