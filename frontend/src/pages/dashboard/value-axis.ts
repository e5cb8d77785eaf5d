/**
 * The value axis of a chart: its range, its lines and their labels. Pure.
 *
 * The plot is drawn in shares of the range, because its library counts in steps from 1e-16 to 1e16 only.
 */
import { axisLabels } from '@/lib/numbers'

import { valueRange, type ChartData } from './chart-data'

export interface ValueAxis {
  readonly low: number
  readonly high: number
  readonly lines: readonly number[]
  readonly labels: readonly string[]
}

/** Closer together, in pixels, the labels would touch. */
const LEAST_DISTANCE = 36
const FACTORS = [1, 2, 5, 10]

/**
 * @param from the left edge in seconds, `to` the right one: values outside are out of view
 * @param height of the plot in pixels
 * @param isCount whole numbers only: no lines between them
 */
export function valueAxis(data: ChartData, from: number, to: number, height: number, unit: string, isCount: boolean): ValueAxis {
  const [low, high] = roundedRange(...extent(data, from, to), unit)
  const most = Math.max(1, Math.floor(height / LEAST_DISTANCE))
  const step = Math.max(stepOf(high / most - low / most), isCount && high - low >= 1 ? 1 : 0)
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)]
  const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step)
  return { low, high, lines, labels: axisLabels(lines, step) }
}

/** The place of a value as a share of the range. */
export function shareOf({ low, high }: ValueAxis, value: number): number {
  // Halves, because the range may be wider than the largest number.
  return (value / 2 - low / 2) / (high / 2 - low / 2)
}

function extent(data: ChartData, from: number, to: number): [number | null, number | null] {
  let [low, high] = [Infinity, -Infinity]
  const take = (value: number | null | undefined): void => {
    if (typeof value !== 'number') return
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  data.times.forEach((time, index) => {
    if (time < from || time > to) return
    data.values.forEach((column, metric) => {
      take(column[index])
      if (!data.condensed[metric]) return
      take(data.minima[metric]![index])
      take(data.maxima[metric]![index])
    })
  })
  return low > high ? [null, null] : [low, high]
}

function roundedRange(low: number | null, high: number | null, unit: string): [number, number] {
  const [from, to] = valueRange(low, high, unit).map(within) as [number, number]
  if (from === 0 && to === 100) return [0, 100]
  if (!Number.isFinite(to - from)) return [-Number.MAX_VALUE, Number.MAX_VALUE]
  const step = 10 ** Math.floor(Math.log10(to - from || 1)) / 2
  return [within(Math.floor(from / step) * step), within(Math.ceil(to / step) * step)]
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function stepOf(least: number): number {
  const power = Math.floor(Math.log10(least))
  const factor = FACTORS.find((one) => Number(`${one}e${power}`) >= least * (1 - 1e-9)) ?? 10
  return Number(`${factor}e${power}`)
}

const within = (value: number): number => Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE)
