/** A chart at a moment, as a link asks for it: `?metric=<name>&at=<RFC 3339>`. Times are milliseconds since 1970. */
import { parseTime } from '@/lib/time'

export interface Moment {
  readonly metric: string
  /** Null: now. */
  readonly at: number | null
}

/** What the query string asks for, or null. A time that cannot be read is none. */
export function momentOf(search: string): Moment | null {
  const query = new URLSearchParams(search)
  const metric = query.get('metric')
  if (!metric) return null
  // A "+" of an offset reaches us as a space.
  const at = parseTime((query.get('at') ?? '').replace(' ', '+'))
  return { metric, at: Number.isFinite(at) ? at : null }
}

/** The right edge of a chart of that length with the moment in its middle; null where that is not over yet. */
export function endAround(at: number, lengthMs: number, now: number): number | null {
  const end = at + lengthMs / 2
  return end < now ? end : null
}

/** The address without what asked for the moment: it is over once the page goes on. */
export function withoutMoment(href: string): string {
  const url = new URL(href)
  url.searchParams.delete('metric')
  url.searchParams.delete('at')
  return url.href
}
