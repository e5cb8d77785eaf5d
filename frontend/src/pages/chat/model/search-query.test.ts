import { describe, expect, it } from 'vitest'

import { completeOperator, namesRooms, operatorAt, withoutHalf } from './search-query'

const typed = (query: string) => {
  const found = operatorAt(query, query.length)
  return found && [found.operator, found.text]
}

describe('a search query', () => {
  it('offers rooms after in: and people after from:', () => {
    expect(typed('in:')).toEqual(['in', ''])
    expect(typed('oil -in:gen')).toEqual(['in', 'gen'])
    expect(typed('From:al')).toEqual(['from', 'al'])
    expect(typed('in:"race con')).toEqual(['in', 'race con'])
    expect(typed('in:general oil')).toBeNull()
    expect(typed('begin:x')).toBeNull()
    expect(typed('has:fi')).toBeNull()
  })

  it('takes a chosen value, quoted if it has spaces', () => {
    expect(completeOperator('in:gen', operatorAt('in:gen', 6)!, 'general')).toEqual({ text: 'in:general ', caret: 11 })
    expect(completeOperator('in:"ra oil', operatorAt('in:"ra oil', 6)!, 'race-control')).toEqual({ text: 'in:race-control oil', caret: 16 })
    expect(completeOperator('oil in:', operatorAt('oil in:', 7)!, 'Race control')).toEqual({ text: 'oil in:"Race control" ', caret: 22 })
  })

  it('is searched without the operator that is still being typed', () => {
    expect(['in:', 'oil from:', 'oil -has:', 'oil before:2026-', 'oil on:202', 'in:"'].map(withoutHalf)).toEqual(['', 'oil', 'oil', 'oil', 'oil', ''])
    expect(['oil', 'oil before:2026', 'oil on:2026-11', 'from:bob', 'after:2026-11-02'].map(withoutHalf)).toEqual(['oil', 'oil before:2026', 'oil on:2026-11', 'from:bob', 'after:2026-11-02'])
  })

  it('tells whether it names rooms', () => {
    expect([namesRooms('oil in:general'), namesRooms('-in:general'), namesRooms('begin:x')]).toEqual([true, true, false])
  })
})
