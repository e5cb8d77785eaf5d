/** Number formats of the interface: fixed decimals, grouping, a real minus sign. */

const formats = new Map<string, Intl.NumberFormat>()

function format(decimals: number, sign: 'auto' | 'exceptZero'): Intl.NumberFormat {
  const key = `${decimals}/${sign}`
  const known = formats.get(key)
  if (known) return known
  // English grouping in every language: Chinese also groups by three here, so that columns look the same in both.
  const made = new Intl.NumberFormat('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals, signDisplay: sign })
  formats.set(key, made)
  return made
}

const withMinus = (text: string): string => text.replaceAll('-', '\u2212')

/** Longer numbers are written with a power of ten. */
const MOST_WRITTEN_OUT = 1e15

/** `1,842` or `\u22123.10`; zero is never negative. From 10^15 on `1.2e15`. */
export function fixed(value: number, decimals: number): string {
  if (Math.abs(value) >= MOST_WRITTEN_OUT) return power(value)
  const text = format(decimals, 'auto').format(value)
  return withMinus(/[1-9]/.test(text) ? text : text.replace('-', ''))
}

/** Always with a sign, except for zero: `+3.1`, `\u22123.1`, `0.0`. */
export function signed(value: number, decimals: number): string {
  if (Math.abs(value) >= MOST_WRITTEN_OUT) return `${value > 0 ? '+' : ''}${power(value)}`
  return withMinus(format(decimals, 'exceptZero').format(value))
}

/** `1e200`, `\u22121.25e\u22128`: three significant digits unless `digits` after the point are asked for. */
function power(value: number, digits?: number): string {
  const text = digits === undefined ? Number(value.toPrecision(3)).toExponential() : value.toExponential(Math.min(digits, MOST_DIGITS))
  return withMinus(text.replace('e+', 'e'))
}

const PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
] as const
/** Units that may take a prefix; `ms` or `MB` already has one. */
const PREFIXABLE = new Set(['', 'B', 'B/s', 'bit', 'bit/s', '/s'])

export interface Quantity {
  readonly number: string
  readonly unit: string
}

/** Scaled by the largest prefix, a number of this size is still too long. */
const MOST_WITH_PREFIX = 1e6
const MOST_WITHOUT_PREFIX = 1e12
/** A metric can state so many decimals; what would be zero even with them is written with a power of ten. */
const MOST_DECIMALS = 6

/** A value and its unit, scaled by a prefix if it would not fit: 123,456,789 B/s is 123.5 MB/s. */
export function quantity(value: number, unit: string, decimals: number): Quantity {
  const size = Math.abs(value)
  const prefix = PREFIXABLE.has(unit) ? PREFIXES.find(([least]) => size >= least) : undefined
  const isTooLong = prefix ? size / prefix[0] >= MOST_WITH_PREFIX : size >= MOST_WITHOUT_PREFIX
  const isLost = size > 0 && decimals >= MOST_DECIMALS && size < 0.5 * 10 ** -decimals
  if (isTooLong || isLost) return { number: power(value), unit }
  if (!prefix) return { number: fixed(value, decimals), unit }
  return { number: fixed(value / prefix[0], 1), unit: prefix[1] + unit }
}

/** A double has no more significant digits. */
const MOST_DIGITS = 15
/** Below this, a number with many zeros behind the point is written with a power of ten. */
const LEAST_WRITTEN_OUT = 1e-4
/** A prefix is taken where it shortens: with at most this many decimals. */
const AXIS_PREFIXES = [...PREFIXES.map(([size, prefix]) => ({ least: size, size, prefix: prefix as string, decimals: 2 })), { least: 1e4, size: 1e3, prefix: 'k', decimals: 1 }]

/**
 * The labels of an axis: all in one form, with as many decimals as make two neighbours differ.
 *
 * @param step the distance of two lines
 */
export function axisLabels(values: readonly number[], step: number): string[] {
  const most = Math.max(0, ...values.map(Math.abs))
  if (most >= MOST_WRITTEN_OUT || (most < LEAST_WRITTEN_OUT && decimalsOf(step) > MOST_DECIMALS)) {
    return values.map((value) => (value === 0 ? '0' : power(value, decimalsOf(step / 10 ** exponentOf(value)))))
  }
  const form = AXIS_PREFIXES.find(({ least, size, decimals }) => most >= least && decimalsOf(step / size) <= decimals)
  if (!form) return values.map((value) => fixed(value, decimalsOf(step)))
  return values.map((value) => (value === 0 ? '0' : fixed(value / form.size, decimalsOf(step / form.size)) + form.prefix))
}

const exponentOf = (value: number): number => Number(value.toExponential().split('e')[1])

function decimalsOf(step: number): number {
  if (!(step > 0)) return 0
  return Math.min(MOST_DIGITS, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))
}

/** `12 B`, `3.4 kB`, `1.2 MB`: decimal prefixes, as in file managers. */
export function fileSize(bytes: number): string {
  for (const [size, unit] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (bytes >= size) return `${fixed(bytes / size, 1)} ${unit}`
  }
  return `${fixed(bytes, 0)} B`
}
