import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { AxisWidth } from './axis-width'
import { chartData } from './chart-data'
import { MetricSeries } from './series'
import { shareOf, valueAxis, type ValueAxis } from './value-axis'

const HEIGHT = 200

function axisOf(values: readonly number[], isCount = false, unit = ''): ValueAxis {
  const series = new MetricSeries(1_000)
  values.forEach((value, index) => series.append({ time: index * 1_000, value }))
  return valueAxis(chartData([series], values.length * 1_000), 0, values.length, HEIGHT, unit, isCount)
}

describe('a value axis', () => {
  it('writes numbers out that are close together', () => {
    const { labels } = axisOf([67_432, 67_433, 67_434, 67_435, 67_436])
    expect(labels).toContain('67,434')
    expect(labels.join('')).not.toContain('k')
  })

  it('shows steps of a hundred-millionth apart', () => {
    const { labels } = axisOf([1.00000001, 1.00000002, 1.00000003])
    expect(new Set(labels).size).toBe(labels.length)
    expect(labels.length).toBeGreaterThan(2)
  })

  it('covers numbers of hundreds of digits', () => {
    const axis = axisOf([1e200, 2e200])
    expect(axis.labels.length).toBeGreaterThan(2)
    expect(Math.max(...axis.labels.map((label) => label.length))).toBeLessThan(10)
    const widest = axisOf([-Number.MAX_VALUE, Number.MAX_VALUE])
    expect(shareOf(widest, 0)).toBeCloseTo(0.5)
  })

  it('has no lines between whole numbers if they are counts', () => {
    expect(axisOf([0, 1, 1], true).lines.every(Number.isInteger)).toBe(true)
    expect(axisOf([1.00000001, 1.00000002], true).lines.length).toBeGreaterThan(2)
  })

  it('draws percentages from 0 to 100', () => {
    const { low, high } = axisOf([3, 60], false, '%')
    expect([low, high]).toEqual([0, 100])
  })

  it('has lines in view with labels that differ, for any values', () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 5 }), fc.boolean(), (values, isCount) => {
        const axis = axisOf(values, isCount)
        expect(axis.low).toBeLessThan(axis.high)
        expect(axis.lines.length).toBeLessThan(30)
        for (const line of axis.lines) expect(shareOf(axis, line)).toBeGreaterThanOrEqual(-1e-6)
        for (const value of values) expect(shareOf(axis, value)).toBeGreaterThanOrEqual(0)
        for (const value of values) expect(shareOf(axis, value)).toBeLessThanOrEqual(1)
        expect(new Set(axis.labels).size).toBe(axis.labels.length)
      }),
    )
  })
})

describe('the width of the axes', () => {
  it('is that of the widest, for all charts of the page', () => {
    const shared = new AxisWidth()
    const [left, right] = [{}, {}]
    const redrawn: string[] = []
    shared.need(left, 30, () => redrawn.push('left'))
    expect(shared.value).toBe(48)
    shared.need(right, 97, () => redrawn.push('right'))
    expect(shared.value).toBe(104)
    expect(redrawn).toEqual(['left'])
    shared.leave(right)
    expect(shared.value).toBe(48)
    expect(redrawn).toEqual(['left', 'left'])
  })
})
