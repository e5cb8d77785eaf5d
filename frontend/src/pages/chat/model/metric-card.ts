/** The contents of a card of kind `metric`. Pure. */
import { parseTime } from '@/lib/time'

import type { CardState } from './types'
import { numbersOf, numberOf, textOf } from './wire'

export interface MetricState {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly decimals: number
  readonly value: number | null
  /** Milliseconds; null if there is no value. */
  readonly time: number | null
  readonly simulated: boolean
  readonly sparkline: readonly number[]
}

export const WIDTH = 300
export const HEIGHT = 44
const INSET = 4

export function metricOf(state: CardState): MetricState | null {
  if (state === null) return null
  const time = parseTime(textOf(state.timestamp))
  return {
    name: textOf(state.name),
    title: textOf(state.title),
    unit: textOf(state.unit),
    decimals: numberOf(state.decimals, 1),
    value: typeof state.value === 'number' ? state.value : null,
    time: Number.isFinite(time) ? time : null,
    simulated: state.simulated === true,
    sparkline: numbersOf(state.sparkline),
  }
}

/** SVG path data of a line through equally spaced values, and its end point. */
export function linePath(values: readonly number[]): { readonly path: string; readonly end: { readonly x: number; readonly y: number } | null } {
  if (values.length < 2) return { path: '', end: null }
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const x = (index: number): number => INSET + ((WIDTH - 2 * INSET) * index) / (values.length - 1)
  const y = (value: number): number => (high === low ? HEIGHT / 2 : HEIGHT - INSET - ((HEIGHT - 2 * INSET) * (value - low)) / (high - low))
  const path = values.map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join('')
  return { path, end: { x: x(values.length - 1), y: y(values.at(-1)!) } }
}
