/** Time formats of the interface: UTC, 24 hours. Arguments are milliseconds since 1970. */

const iso = (ms: number): string => new Date(ms).toISOString()

/** `12:03:44` */
export const clockTime = (ms: number): string => iso(ms).slice(11, 19)

/** `12:03` */
export const minuteTime = (ms: number): string => iso(ms).slice(11, 16)

/** `11-21` */
export const dayOfYear = (ms: number): string => iso(ms).slice(5, 10)

/** `11-21 12:03` */
export const dayAndMinute = (ms: number): string => `${dayOfYear(ms)} ${minuteTime(ms)}`

/** The milliseconds of an RFC 3339 string with any number of fraction digits, or NaN. */
export const parseTime = (text: string): number => Date.parse(text)
