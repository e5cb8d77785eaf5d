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

const withMinus = (text: string): string => text.replace('-', '\u2212')

/** `1,842` or `\u22123.10`; zero is never negative. */
export function fixed(value: number, decimals: number): string {
  const text = format(decimals, 'auto').format(value)
  return withMinus(/[1-9]/.test(text) ? text : text.replace('-', ''))
}

/** Always with a sign, except for zero: `+3.1`, `\u22123.1`, `0.0`. */
export const signed = (value: number, decimals: number): string => withMinus(format(decimals, 'exceptZero').format(value))

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

/** A value and its unit, scaled by a prefix if it would not fit: 123,456,789 B/s is 123.5 MB/s. */
export function quantity(value: number, unit: string, decimals: number): Quantity {
  const prefix = PREFIXABLE.has(unit) ? PREFIXES.find(([size]) => Math.abs(value) >= size) : undefined
  if (!prefix) return { number: fixed(value, decimals), unit }
  return { number: fixed(value / prefix[0], 1), unit: prefix[1] + unit }
}

/** A number on an axis whose lines are `step` apart, with only as many decimals as the step needs. */
export function axisNumber(value: number, step: number): string {
  for (const [size, prefix] of [...PREFIXES, [1e4, 'k'] as const]) {
    if (Math.abs(value) < size) continue
    const unit = prefix === 'k' ? 1e3 : size
    return fixed(value / unit, decimalsOf(step / unit)) + prefix
  }
  return fixed(value, decimalsOf(step))
}

function decimalsOf(step: number): number {
  if (!(step > 0)) return 0
  return Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))
}

/** `12 B`, `3.4 kB`, `1.2 MB`: decimal prefixes, as in file managers. */
export function fileSize(bytes: number): string {
  for (const [size, unit] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (bytes >= size) return `${fixed(bytes / size, 1)} ${unit}`
  }
  return `${fixed(bytes, 0)} B`
}
