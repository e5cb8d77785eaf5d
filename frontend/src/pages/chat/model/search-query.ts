/** The query of a message search while it is typed. Pure: positions are UTF-16 indices, as in DOM text fields. */

export interface OperatorQuery {
  readonly operator: 'in' | 'from'
  /** Where the value begins. */
  readonly start: number
  /** The caret, after the typed part of the value. */
  readonly end: number
  readonly text: string
}

const TYPED = /(?:^|\s)-?(in|from):("?)([^"\s]*|[^"]*)$/iu
/** An operator whose value is still to come. */
const HALF = /(^|\s)-?(?:in|from|before|after|on|has|is):"?\s*$/iu
/** The beginning of a date: `2026-`, `2026-1`, `2026-11-`. */
const HALF_DATE = /(^|\s)-?(?:before|after|on):(?:\d{1,3}|\d{4}-\d?|\d{4}-\d{2}-\d?)$/iu

/** The room or person being typed at the caret after `in:` or `from:`, or null. */
export function operatorAt(query: string, caret: number): OperatorQuery | null {
  const found = TYPED.exec(query.slice(0, caret))
  if (!found || (found[2] === '' && /\s/.test(found[3]!))) return null
  const text = found[3]!
  return { operator: found[1]!.toLowerCase() as 'in' | 'from', start: caret - text.length - found[2]!.length, end: caret, text }
}

/** Put a chosen value after its operator. Returns the new query and the new caret position. */
export function completeOperator(query: string, { start, end }: OperatorQuery, value: string): { text: string; caret: number } {
  const inserted = `${/\s/.test(value) ? `"${value}"` : value} `
  const after = query.slice(end).replace(/^"?\s*/, '')
  return { text: query.slice(0, start) + inserted + after, caret: start + inserted.length }
}

/** What can be searched for already: the query without an operator that is still being typed. */
export const withoutHalf = (query: string): string => query.replace(HALF, '$1').replace(HALF_DATE, '$1').trim()

/** Whether the query names the rooms to search in. */
export const namesRooms = (query: string): boolean => /(?:^|\s)-?in:/iu.test(query)
