/** An address that names a metric and a moment: `?metric=cpu_usage&at=2026-11-21T12:03:44Z`. Pure. */
import { parseTime } from '@/lib/time'

import { RANGES, type TimeRange } from './ranges'

export interface ChartLink {
  readonly metric: string
  /** Milliseconds, or null: now. */
  readonly at: number | null
}

/** Room around the moment, as a share of the range: at the very edge nothing would be seen of it. */
const MARGIN = 0.1

export function readLink(search: string): ChartLink | null {
  const query = new URLSearchParams(search)
  const metric = query.get('metric')
  if (metric === null || metric === '') return null
  const at = parseTime(query.get('at') ?? '')
  return { metric, at: Number.isFinite(at) ? at : null }
}

/** The shortest range that reaches back to a moment; the longest where none does. */
export function rangeReaching(at: number, now: number): TimeRange {
  return RANGES.find((range) => now - at <= range.lengthMs * (1 - MARGIN)) ?? RANGES.at(-1)!
}
