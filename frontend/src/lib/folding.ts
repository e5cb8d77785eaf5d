/**
 * Compares names and texts in lists and completions as the server's search does (accounts/folding.py). Pure.
 *
 * Both halves pass the same cases: tests/cases/folding.json.
 */

/** Characters that are not drawn (Default_Ignorable_Code_Point). */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu
const QUOTES = /[‘’‚‛′‵ʹʻʼʽ`´\u1ffd＇]/gu
const DOUBLE_QUOTES = /[“”„‟″‶«»「」『』＂]/gu
const DASHES = /[‐‑‒–—―−﹘﹣－]/gu
const LETTERS: Readonly<Record<string, string>> = { ı: 'i', ø: 'o', ł: 'l', đ: 'd', ħ: 'h', ŧ: 't', æ: 'ae', œ: 'oe', ـ: '' }
const PLAIN_LETTERS = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu')
/**
 * The marks of Latin, Greek, Cyrillic, Hebrew and Arabic, which people leave out. Those of other scripts are parts of
 * letters (か and が, Indic vowels), as is the breve of й.
 */
const LOOSE_MARKS = new RegExp(
  '(?<!и)\\u0306|[\\u0300-\\u0305\\u0307-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7' +
    '\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7\\u06e8\\u06ea-\\u06ed' +
    '\\u1ab0-\\u1ace\\u1dc0-\\u1dff\\ufe20-\\ufe2f]',
  'gu',
)

/** The text as searches compare it: without case, accents, width and invisible characters; one quote, dash and space. */
export function fold(text: string): string {
  // Before normalising as well, which makes of an accent that stands alone a space and a mark.
  const cased = caseFolded(plainSigns(text).replace(IGNORABLE, '').normalize('NFKC'))
  const bare = plainLetters(plainSigns(cased)).normalize('NFKD').replace(LOOSE_MARKS, '')
  return plainLetters(bare).normalize('NFC').replace(/\s/gu, ' ')
}

/**
 * How well a text fits what was typed: 0 as typed, 1 in another form, 2 begins with it, 3 a word in it does, 4 contains
 * it; null if it does not fit.
 */
export function fit(text: string, typed: string): number | null {
  const [folded, wanted] = [fold(text), fold(typed.trim())]
  const at = folded.indexOf(wanted)
  if (at < 0) return null
  if (folded === wanted) return text === typed.trim() ? 0 : 1
  if (at === 0) return 2
  return new RegExp(`[^\\p{L}\\p{N}]${escaped(wanted)}`, 'u').test(folded) ? 3 : 4
}

/**
 * The items that fit what was typed, the best first and otherwise in the given order.
 *
 * @param textsOf the texts by which an item is found; the one that fits best counts
 */
export function fitting<T>(items: readonly T[], typed: string, textsOf: (item: T) => readonly string[]): T[] {
  if (fold(typed.trim()) === '') return [...items]
  const ranked = items.flatMap((item) => {
    const fits = textsOf(item).flatMap((text) => fit(text, typed) ?? [])
    return fits.length > 0 ? [{ item, rank: Math.min(...fits) }] : []
  })
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item)
}

function plainSigns(text: string): string {
  return text.replace(QUOTES, "'").replace(DOUBLE_QUOTES, '"').replace(DASHES, '-')
}

function plainLetters(text: string): string {
  return text.replace(PLAIN_LETTERS, (letter) => LETTERS[letter] ?? letter)
}

/** JavaScript has no case folding: capitals take ß and ſ apart, and a last sigma is a sigma. */
const caseFolded = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC').replace(/ς/g, 'σ')

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
