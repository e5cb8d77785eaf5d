/** A uPlot chart in Pitwall's style. The legend is in the panel's header, so uPlot's own is hidden. */
import uPlot from 'uplot'

import { clockTime, dayAndMinute, dayOfYear, minuteTime } from '@/lib/time'

import { AxisWidth } from './axis-width'
import { lonePoints, type ChartData } from './chart-data'
import { shareOf, valueAxis, type ValueAxis } from './value-axis'

/** Colours of the theme, read again when it changes. */
interface Palette {
  readonly series: readonly string[]
  readonly grid: string
  readonly axis: string
  readonly hatch: string
  readonly surface: string
  readonly font: string
}

export interface PlotView {
  readonly data: ChartData
  /** The left and right edge in seconds. */
  readonly from: number
  readonly to: number
  readonly unit: string
  /** Whole numbers only: no axis lines between them. */
  readonly isCount: boolean
}

export interface PlotEvents {
  /** The pointer is over this time (seconds), or has left (null). */
  pointed(time: number | null): void
}

const DAY_SECONDS = 24 * 3600
const LABEL_ROOM = 16
const AXIS_GAP = 8
const TIME_AXIS_HEIGHT = 24
const TOP = 8
const BAND_OPACITY = 0.3
/** Columns of one metric in uPlot's data: value, maximum, minimum. */
const COLUMNS = 3
const axisWidth = new AxisWidth()

export class Plot {
  private chart: uPlot
  private palette: Palette
  private following = false
  private pointedHere = false
  private pill: HTMLElement
  private axis: ValueAxis
  private readonly ruler = document.createElement('canvas').getContext('2d')!

  constructor(
    private readonly host: HTMLElement,
    private view: PlotView,
    private readonly events: PlotEvents,
  ) {
    this.palette = readPalette()
    this.axis = this.axisOf(view)
    this.pill = document.createElement('div')
    this.pill.className = 'time-pill'
    this.pill.hidden = true
    this.chart = this.build()
  }

  draw(view: PlotView): void {
    this.view = view
    this.chart.batch(() => {
      this.chart.setData(this.columns())
      this.chart.redraw(false, true)
    })
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host
    if (width <= 0 || height <= 0) return
    this.chart.batch(() => {
      this.chart.setSize({ width, height })
      this.chart.setData(this.columns())
    })
  }

  /** Call when the theme's colours have changed. */
  repaint(): void {
    this.chart.destroy()
    this.palette = readPalette()
    this.chart = this.build()
  }

  /** Move the crosshair to a time (seconds), or hide it. */
  point(time: number | null): void {
    this.following = true
    const inside = time !== null && time >= this.view.from && time <= this.view.to
    const left = inside ? this.chart.valToPos(time, 'x') : -10
    this.chart.setCursor({ left, top: inside ? this.chart.over.clientHeight / 2 : -10 }, false)
    this.placePill(inside ? time : null, left)
    this.following = false
  }

  destroy(): void {
    axisWidth.leave(this)
    this.chart.destroy()
  }

  private build(): uPlot {
    const { clientWidth: width, clientHeight: height } = this.host
    const chart = new uPlot(this.options(Math.max(width, 80), Math.max(height, 80)), this.columns(), this.host)
    chart.root.append(this.pill)
    return chart
  }

  private options(width: number, height: number): uPlot.Options {
    const { palette } = this
    return {
      width,
      height,
      padding: [TOP, 12, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false },
        // Hollow points for the values, none for the minima and maxima.
        points: {
          size: (_, index) => (index % COLUMNS === 1 ? 7 : 0),
          width: (_, index) => (index % COLUMNS === 1 ? 1.5 : 0),
          fill: () => palette.surface,
          stroke: (_, index) => palette.series[Math.floor((index - 1) / COLUMNS)]!,
        },
      },
      scales: {
        x: { time: true, range: () => [this.view.from, this.view.to] },
        y: { range: [0, 1] },
      },
      axes: [this.timeAxis(), this.valueAxis()],
      series: [{}, ...this.view.data.values.flatMap((_, metric) => this.metricSeries(metric))],
      bands: this.view.data.values.map((_, metric) => ({
        series: [metric * COLUMNS + 2, metric * COLUMNS + 3] as [number, number],
        fill: translucent(palette.series[metric]!),
      })),
      hooks: {
        drawAxes: [(chart) => this.hatchGaps(chart)],
        setCursor: [(chart) => this.cursorMoved(chart)],
      },
    }
  }

  private metricSeries(metric: number): uPlot.Series[] {
    const stroke = this.palette.series[metric]!
    const hidden: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false }, spanGaps: false }
    return [
      {
        stroke,
        width: metric === 0 ? 2 : 1.5,
        ...(metric >= 2 && { dash: [4, 4] }),
        points: {
          size: 4,
          fill: stroke,
          show: (chart, index) => lonePoints(chart.data[index]!).length > 0,
          filter: (chart, index) => lonePoints(chart.data[index]!),
        },
      },
      hidden,
      hidden,
    ]
  }

  private timeAxis(): uPlot.Axis {
    return {
      stroke: this.palette.axis,
      font: this.palette.font,
      grid: { show: false },
      ticks: { show: false },
      border: { show: false },
      size: TIME_AXIS_HEIGHT,
      gap: 4,
      space: 72,
      values: (chart, splits, __, ___, increment) =>
        splits.map((seconds) => {
          // Omit a label that would be cut off at the right edge.
          if (chart.valToPos(seconds, 'x') > chart.over.clientWidth - LABEL_ROOM) return ''
          if (increment >= DAY_SECONDS || seconds % DAY_SECONDS === 0) return dayOfYear(seconds * 1000)
          return increment < 60 ? clockTime(seconds * 1000) : minuteTime(seconds * 1000)
        }),
    }
  }

  private valueAxis(): uPlot.Axis {
    return {
      stroke: this.palette.axis,
      font: this.palette.font,
      grid: { stroke: this.palette.grid, width: 1 },
      ticks: { show: false },
      border: { show: false },
      size: (_, labels: string[] | null) => this.widthFor(labels),
      gap: AXIS_GAP,
      splits: () => this.axis.lines.map((line) => shareOf(this.axis, line)),
      values: () => [...this.axis.labels],
    }
  }

  /** The width of the value axes: of this one's labels, or of another chart's that are wider. */
  private widthFor(labels: readonly string[] | null): number {
    if (labels && labels.length > 0) {
      this.ruler.font = this.palette.font
      const widest = Math.max(...labels.map((label) => this.ruler.measureText(label).width))
      axisWidth.need(this, widest + 2 * AXIS_GAP, () => this.chart.redraw(false, true))
    }
    return axisWidth.value
  }

  private axisOf({ data, from, to, unit, isCount }: PlotView): ValueAxis {
    const height = Math.max(this.host.clientHeight, 80) - TIME_AXIS_HEIGHT - TOP
    return valueAxis(data, from, to, height, unit, isCount)
  }

  /** uPlot's data: times, and for each metric its values, maxima and minima as shares of the axis. */
  private columns(): uPlot.AlignedData {
    const { data } = this.view
    const axis = (this.axis = this.axisOf(this.view))
    const shares = (column: readonly (number | null | undefined)[]): (number | null | undefined)[] =>
      column.map((value) => (typeof value === 'number' ? shareOf(axis, value) : value))
    const perMetric = data.values.flatMap((values, metric) => {
      // If each point is a single sample there is no band, and its columns are empty.
      const none = values.map(() => undefined)
      return data.condensed[metric] ? [values, data.maxima[metric]!, data.minima[metric]!].map(shares) : [shares(values), none, none]
    })
    return [data.times, ...perMetric] as uPlot.AlignedData
  }

  private hatchGaps(chart: uPlot): void {
    const { ctx } = chart
    const pattern = ctx.createPattern(hatch(this.palette.hatch), 'repeat')
    if (!pattern) return
    const { top, height } = chart.bbox
    ctx.save()
    ctx.fillStyle = pattern
    for (const gap of this.view.data.gaps) {
      const from = chart.valToPos(Math.max(gap.from, this.view.from), 'x', true)
      const to = chart.valToPos(Math.min(gap.to, this.view.to), 'x', true)
      if (to > from) ctx.fillRect(from, top, to - from, height)
    }
    ctx.restore()
  }

  private cursorMoved(chart: uPlot): void {
    if (this.following) return
    const { left = -10 } = chart.cursor
    // A new or resized chart reports that it has no pointer; that must not hide another chart's crosshair.
    if (left < 0 && !this.pointedHere) return
    this.pointedHere = left >= 0
    this.events.pointed(left < 0 ? null : chart.posToVal(left, 'x'))
  }

  private placePill(time: number | null, left: number): void {
    this.pill.hidden = time === null
    if (time === null) return
    const long = this.view.to - this.view.from > DAY_SECONDS
    this.pill.textContent = long ? dayAndMinute(time * 1000) : clockTime(time * 1000)
    const half = this.pill.offsetWidth / 2
    const at = Math.min(Math.max(this.chart.over.offsetLeft + left, half), this.chart.root.clientWidth - half)
    this.pill.style.setProperty('left', `${at}px`)
  }
}

/** A `#rrggbb` colour with low opacity. */
function translucent(colour: string): string {
  const [r, g, b] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16))
  return `rgba(${r}, ${g}, ${b}, ${BAND_OPACITY})`
}

function hatch(colour: string): HTMLCanvasElement {
  const ratio = devicePixelRatio
  const tile = document.createElement('canvas')
  tile.width = tile.height = 6 * ratio
  const ctx = tile.getContext('2d')!
  ctx.scale(ratio, ratio)
  ctx.strokeStyle = colour
  ctx.lineWidth = 1.5
  for (const shift of [-6, 0, 6]) {
    ctx.moveTo(shift - 1, 7)
    ctx.lineTo(shift + 7, -1)
  }
  ctx.stroke()
  return tile
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    series: [1, 2, 3, 4, 5, 6].map((n) => token(`series-${n}`)),
    grid: token('chart-grid'),
    axis: token('text-3'),
    hatch: token('hatch'),
    surface: token('surface'),
    font: `11px ${token('font-ui')}`,
  }
}
