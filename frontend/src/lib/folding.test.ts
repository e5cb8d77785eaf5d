import { readFileSync } from 'node:fs'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { fit, fitting, fold } from './folding'

interface Case {
  readonly a: string
  readonly b: string
  readonly same: boolean
}

// The server's half passes the same table.
const CASES = JSON.parse(readFileSync(new URL('../../../tests/cases/folding.json', import.meta.url), 'utf8')) as Case[]

describe('folding', () => {
  it.each(CASES)('takes $a and $b for the same: $same', ({ a, b, same }) => {
    expect(fold(a) === fold(b)).toBe(same)
  })

  it('changes nothing in what is folded', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fold(fold(text)) === fold(text)))
  })
})

describe('what fits', () => {
  const names = (found: readonly string[]): string[] => [...found]

  it('has exact hits first, then beginnings, then words, then parts', () => {
    const rooms = ['decafe', 'the café', 'cafeteria', 'CAFÉ', 'cafe']
    expect(names(fitting(rooms, 'cafe', (room) => [room]))).toEqual(['cafe', 'CAFÉ', 'cafeteria', 'the café', 'decafe'])
  })

  it('is everything while nothing is typed, in the given order', () => {
    expect(fitting(['b', 'a'], ' ', (text) => [text])).toEqual(['b', 'a'])
  })

  it('is found by any of its texts', () => {
    const people = [{ username: 'jd', name: 'José Díaz' }, { username: 'jose', name: '' }]
    const found = fitting(people, 'jose', ({ username, name }) => [username, name])
    expect(found.map(({ username }) => username)).toEqual(['jose', 'jd'])
    expect(fit('José Díaz', 'diaz')).toBe(3)
    expect(fit('José', 'x')).toBeNull()
  })

  it('takes signs as signs', () => {
    expect(fit('a (b) c', '(b)')).toBe(3)
    expect(fit('a-b c', '-b')).toBe(4)
  })
})
