/**
 * One metric's points on the page: history in buckets, and live samples merged into buckets of the same width.
 *
 * Pure. Times are milliseconds since 1970 on the server's clock.
 */

export interface Point {
  /** Start of the bucket. */
  readonly time: number
  readonly value: number
  readonly min: number
  readonly max: number
  readonly count: number
}

export interface Sample {
  readonly time: number
  readonly value: number
}

export interface Gap {
  readonly from: number
  readonly to: number
}

/** How many live samples are kept, to be added to history that was read before they arrived. */
const RECENT_KEPT = 300
/** This many buckets, or typical spacings, without a sample count as a gap. */
const GAP_FACTOR = 3.5

export class MetricSeries {
  private _points: Point[] = []
  private recent: Sample[] = []
  private _latest: Sample | null = null
  private spacing = 0
  private spacingFor = -1

  constructor(private _bucketMs: number) {}

  get points(): readonly Point[] {
    return this._points
  }

  get latest(): Sample | null {
    return this._latest
  }

  get bucketMs(): number {
    return this._bucketMs
  }

  /** Whether some point stands for several samples, and so has a band from its minimum to its maximum. */
  get isCondensed(): boolean {
    return this._points.some((point) => point.count > 1)
  }

  /** Set the value to show before the first sample arrives. */
  seed(sample: Sample): void {
    if (this._latest === null || sample.time > this._latest.time) this._latest = sample
  }

  /** Add one live sample; a sample older than the newest point is ignored. */
  append(sample: Sample): void {
    this.recent.push(sample)
    if (this.recent.length > RECENT_KEPT) this.recent.shift()
    this.seed(sample)
    this.merge(sample)
  }

  /** Replace everything with loaded history, but keep live samples that are newer. */
  replace(points: readonly Point[], bucketMs: number): void {
    this._bucketMs = bucketMs
    this._points = []
    this.lay(points)
  }

  /** Replace everything from `from` on with loaded history, for example after a lost connection. */
  patch(from: number, points: readonly Point[]): void {
    this._points = this._points.filter((point) => point.time < from)
    this.lay(points)
  }

  /** Drop points that ended before `time`. */
  trim(time: number): void {
    const first = this._points.findIndex((point) => point.time + this._bucketMs >= time)
    if (first > 0) this._points.splice(0, first)
  }

  /** The periods without data between points, and from the last point to `end`. */
  gaps(end: number): Gap[] {
    const longest = this.longestSpacing
    const gaps: Gap[] = []
    this._points.forEach((point, index) => {
      const next = this._points[index + 1]?.time ?? end
      if (next - point.time > longest) gaps.push({ from: point.time, to: next })
    })
    return gaps
  }

  /** Points further apart than this have a gap between them. */
  get longestSpacing(): number {
    return GAP_FACTOR * Math.max(this._bucketMs, this.usualSpacing)
  }

  private lay(points: readonly Point[]): void {
    this._points.push(...points)
    const last = this._points.at(-1)
    if (last) this.seed(last)
    // The last bucket of the response already includes the samples up to then.
    const from = last ? last.time + this._bucketMs : -Infinity
    for (const sample of this.recent) if (sample.time >= from) this.merge(sample)
    this.spacingFor = -1
  }

  private merge({ time, value }: Sample): void {
    const start = Math.floor(time / this._bucketMs) * this._bucketMs
    const last = this._points.at(-1)
    if (last && start < last.time) return
    if (last?.time !== start) {
      this._points.push({ time: start, value, min: value, max: value, count: 1 })
      return
    }
    const count = last.count + 1
    this._points[this._points.length - 1] = {
      time: start,
      // Divided first: the difference of two numbers may be larger than the largest number.
      value: last.value + (value / count - last.value / count),
      min: Math.min(last.min, value),
      max: Math.max(last.max, value),
      count,
    }
  }

  // A source read once a minute has no gaps of a minute. Recomputed only now and then, because it needs a sort.
  private get usualSpacing(): number {
    const { length } = this._points
    if (this.spacingFor < 0 || Math.abs(length - this.spacingFor) > length / 8) {
      const spacings = this._points.slice(1).map((point, index) => point.time - this._points[index]!.time)
      spacings.sort((a, b) => a - b)
      this.spacing = spacings[spacings.length >> 1] ?? 0
      this.spacingFor = length
    }
    return this.spacing
  }
}

/** The periods that lie in a gap of every series. */
export function commonGaps(all: readonly (readonly Gap[])[]): Gap[] {
  return all.reduce<readonly Gap[]>((left, right, index) => (index === 0 ? right : intersect(left, right)), []).slice()
}

function intersect(left: readonly Gap[], right: readonly Gap[]): Gap[] {
  const both: Gap[] = []
  for (const a of left) {
    for (const b of right) {
      const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)]
      if (from < to) both.push({ from, to })
    }
  }
  return both
}
