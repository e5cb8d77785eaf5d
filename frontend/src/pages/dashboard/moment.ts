/** A link to a chart at a moment: `?metric=<name>&at=<RFC 3339>`. Times are milliseconds since 1970. */
import { parseTime } from '@/lib/time'

export interface Moment {
  readonly metric: string
  /** Null: now. */
  readonly at: number | null
}

/** The metric and time in the query string, or null. An invalid time is ignored. */
export function momentOf(search: string): Moment | null {
  const query = new URLSearchParams(search)
  const metric = query.get('metric')
  if (!metric) return null
  // A "+" in a UTC offset arrives as a space.
  const at = parseTime((query.get('at') ?? '').replace(' ', '+'))
  return { metric, at: Number.isFinite(at) ? at : null }
}

/** The right edge of a chart of that length with the moment in its middle; null if that edge is in the future. */
export function endAround(at: number, lengthMs: number, now: number): number | null {
  const end = at + lengthMs / 2
  return end < now ? end : null
}

/** The address without the moment, for when the page moves on. */
export function withoutMoment(href: string): string {
  const url = new URL(href)
  url.searchParams.delete('metric')
  url.searchParams.delete('at')
  return url.href
}
