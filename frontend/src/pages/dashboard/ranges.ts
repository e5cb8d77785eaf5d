/** The time ranges the page offers, and how finely each is drawn. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export interface TimeRange {
  readonly key: '15m' | '1h' | '6h' | '24h' | '7d'
  readonly lengthMs: number
  /** Width of one point: a few hundred make a legible line, and their minima and maxima a band around it. */
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

/** How many points to ask the server for, so that it answers in buckets of `bucketMs`: a range off the grid touches one more. */
export function pointsFor(lengthMs: number, bucketMs: number): number {
  return Math.ceil(lengthMs / bucketMs) + 1
}
