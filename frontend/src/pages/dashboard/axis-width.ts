/** One width for the value axes of all charts of a page, so that the time axes below one another line up. */

/** In pixels. Widths are multiples of `STEP`, so that a changing label does not move the charts all the time. */
const LEAST = 48
const STEP = 8

export class AxisWidth {
  private readonly needs = new Map<object, { readonly width: number; readonly changed: () => void }>()

  /** That of the widest axis. */
  get value(): number {
    return Math.max(LEAST, ...[...this.needs.values()].map(({ width }) => width))
  }

  /** A chart's axis needs this width now. The other charts hear of it if theirs changes. */
  need(chart: object, width: number, changed: () => void): void {
    const before = this.value
    this.needs.set(chart, { width: Math.ceil(width / STEP) * STEP, changed })
    this.tell(before, chart)
  }

  /** A chart is gone. */
  leave(chart: object): void {
    const before = this.value
    this.needs.delete(chart)
    this.tell(before, chart)
  }

  private tell(before: number, by: object): void {
    if (this.value === before) return
    for (const [chart, { changed }] of this.needs) if (chart !== by) changed()
  }
}
