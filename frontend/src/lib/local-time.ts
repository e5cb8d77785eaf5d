/** Times in conversations, in the reader's time zone. Arguments are milliseconds since 1970. */

const DAY_MS = 86_400_000

/** `12:03` */
export function localMinute(ms: number): string {
  const date = new Date(ms)
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
}

/** A day number that changes at the reader's midnight. */
export const localDay = (ms: number): number => Math.floor((ms - new Date(ms).getTimezoneOffset() * 60_000) / DAY_MS)

/** `Saturday 21 November`, with the year unless it is the current one. */
export function dayName(ms: number, now: number, locale: string): string {
  const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', ...(!sameYear && { year: 'numeric' }) }).format(ms)
}

/** `21 Nov 2026, 12:03:44` */
export const fullTime = (ms: number, locale: string): string => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(ms)

/** `21 Nov` */
export const shortDay = (ms: number, locale: string): string => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }).format(ms)
