import { describe, expect, it } from 'vitest'

import { axisNumber, fixed, quantity, signed } from './numbers'

describe('numbers', () => {
  it('have fixed decimals, groups of three and a true minus sign', () => {
    expect(fixed(1842, 0)).toBe('1,842')
    expect(fixed(-3.14159, 2)).toBe('\u22123.14')
    expect(fixed(62, 1)).toBe('62.0')
  })

  it('are never minus zero', () => {
    expect(fixed(-0.04, 1)).toBe('0.0')
    expect(signed(-0.04, 1)).toBe('0.0')
  })

  it('that are changes carry their sign', () => {
    expect(signed(3.1, 1)).toBe('+3.1')
    expect(signed(-18.4, 1)).toBe('\u221218.4')
  })

  it('that would not fit take a prefix, unless the unit has one', () => {
    expect(quantity(123_456_789, 'B/s', 0)).toEqual({ number: '123.5', unit: 'MB/s' })
    expect(quantity(1_842, '/s', 0)).toEqual({ number: '1,842', unit: '/s' })
    expect(quantity(2_000_000, 'ms', 0)).toEqual({ number: '2,000,000', unit: 'ms' })
  })

  it('on an axis have as many decimals as its lines need', () => {
    expect(axisNumber(0.2, 0.05)).toBe('0.20')
    expect(axisNumber(20, 20)).toBe('20')
    expect(axisNumber(15_000, 5_000)).toBe('15k')
    expect(axisNumber(2_500_000, 500_000)).toBe('2.5M')
    expect(axisNumber(1, 0)).toBe('1')
  })
})
