import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { axisLabels, fixed, quantity, signed } from './numbers'

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

  it('that are too long in any form are powers of ten', () => {
    expect(fixed(1e200, 1)).toBe('1e200')
    expect(fixed(-1.2345e20, 0)).toBe('\u22121.23e20')
    expect(signed(1e200, 1)).toBe('+1e200')
    expect(quantity(1e200, 'B', 1)).toEqual({ number: '1e200', unit: 'B' })
    expect(quantity(-4e13, 'ms', 0)).toEqual({ number: '\u22124e13', unit: 'ms' })
    expect(quantity(Number.MAX_VALUE, '', 1).number.length).toBeLessThan(10)
  })

  it('that would be zero even with all decimals are powers of ten', () => {
    expect(quantity(1.5e-8, 's', 6)).toEqual({ number: '1.5e\u22128', unit: 's' })
    expect(quantity(0, 's', 6).number).toBe('0.000000')
    expect(quantity(0.04, '%', 1).number).toBe('0.0')
  })
})

describe('the labels of an axis', () => {
  it('have as many decimals as its lines need', () => {
    expect(axisLabels([0.2, 0.25], 0.05)).toEqual(['0.20', '0.25'])
    expect(axisLabels([0, 20], 20)).toEqual(['0', '20'])
    expect(axisLabels([1], 0)).toEqual(['1'])
  })

  it('take a prefix where that makes them shorter, and all the same', () => {
    expect(axisLabels([0, 5_000, 15_000], 5_000)).toEqual(['0', '5k', '15k'])
    expect(axisLabels([2_000_000, 2_500_000], 500_000)).toEqual(['2.0M', '2.5M'])
    expect(axisLabels([15_000, 15_500], 500)).toEqual(['15.0k', '15.5k'])
  })

  it('write a number out that no prefix makes shorter', () => {
    expect(axisLabels([67_432, 67_434, 67_436], 2)).toEqual(['67,432', '67,434', '67,436'])
  })

  it('differ however small the steps are', () => {
    expect(axisLabels([1.00000001, 1.00000002], 1e-8)).toEqual(['1.00000001', '1.00000002'])
    expect(axisLabels([0, 1e-8, 2e-8], 1e-8)).toEqual(['0', '1e\u22128', '2e\u22128'])
    expect(axisLabels([9.5e-8, 1e-7, 1.05e-7], 5e-9)).toEqual(['9.5e\u22128', '1.00e\u22127', '1.05e\u22127'])
  })

  it('are powers of ten for numbers of hundreds of digits', () => {
    expect(axisLabels([0, 5e199, 1e200], 5e199)).toEqual(['0', '5e199', '1.0e200'])
  })

  it('differ for any range', () => {
    const range = fc.record({ start: fc.integer({ min: -1e6, max: 1e6 }), exponent: fc.integer({ min: -14, max: 200 }), factor: fc.constantFrom(1, 2, 5) })
    fc.assert(
      fc.property(range, ({ start, exponent, factor }) => {
        const step = Number(`${factor}e${exponent}`)
        const labels = axisLabels([0, 1, 2, 3].map((index) => (start + index) * step), step)
        return new Set(labels).size === labels.length
      }),
    )
  })
})
