/** Completion of @names in a text field. Pure: positions are UTF-16 indices, as in DOM text fields. */
import { fitting } from '@/lib/folding'

export interface MentionQuery {
  /** The position of the @. */
  readonly start: number
  /** The caret, after the typed part of the name. */
  readonly end: number
  readonly text: string
}

const MOST_OFFERED = 8
// Chinese has no spaces between words: an @ begins a mention after any character that cannot be part of a name or an address.
const BEGUN = /(?:^|[^\w.@＠/+-])[@＠]([\p{L}\p{N}_.+-]{0,64})$/u

/** The name being typed at the caret, or null. */
export function mentionAt(text: string, caret: number): MentionQuery | null {
  const found = BEGUN.exec(text.slice(0, caret))
  if (!found) return null
  const typed = found[1]!
  return { start: caret - typed.length - 1, end: caret, text: typed }
}

/** People whose username or real name fits the typed text: the best first, otherwise in the given order. */
export function matching<T extends { readonly username: string; readonly name?: string }>(people: readonly T[], typed: string): T[] {
  return fitting(people, typed, ({ username, name }) => [username, name ?? '']).slice(0, MOST_OFFERED)
}

/** Insert a chosen name into the text. Returns the new text and the new caret position. */
export function complete(text: string, query: MentionQuery, username: string): { text: string; caret: number } {
  const after = text.slice(query.end)
  const inserted = `@${username}${after.startsWith(' ') ? '' : ' '}`
  const caret = query.start + inserted.length + (after.startsWith(' ') ? 1 : 0)
  return { text: text.slice(0, query.start) + inserted + after, caret }
}
