/** The direction of a text: that of its first letter with one, as browsers decide for `dir="auto"`. Pure. */

const STRONG = /\p{L}/u
/** The blocks of the scripts that are written from right to left: Hebrew to Arabic Extended, their presentation forms, and the historic ones. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

export function directionOf(text: string): 'ltr' | 'rtl' {
  const first = STRONG.exec(text)?.[0]
  return first !== undefined && RIGHT_TO_LEFT.test(first) ? 'rtl' : 'ltr'
}
