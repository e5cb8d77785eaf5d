/**
 * Keeps the text being read in place while rows are added and removed around it.
 *
 * The browser's own scroll anchoring does not handle rows removed at the other end, and not every browser has it.
 */

/** Closer to the end than this, in pixels, counts as being at the end. */
const END_REACH = 32

interface Anchor {
  readonly key: string
  /** Distance of the row's top edge from the top of the visible part, in pixels. */
  readonly offset: number
}

export class ScrollKeeper {
  /** Whether the end is in view: if so, new rows are scrolled into view. */
  isAtEnd = true
  private anchor: Anchor | null = null

  /**
   * @param list the scrolling element
   * @param rows the element that contains the rows, its children with `data-key`
   */
  constructor(
    private readonly list: HTMLElement,
    private readonly rows: HTMLElement,
  ) {}

  /** Remember what is in view. Call this when the list was scrolled. */
  record(): void {
    const { list } = this
    this.isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_REACH
    this.refresh()
  }

  /** The same before rows change: `isAtEnd` keeps its value. */
  refresh(): void {
    const row = this.firstInSight()
    this.anchor = row ? { key: row.dataset.key!, offset: row.offsetTop - this.list.scrollTop } : null
  }

  /** Restore the remembered position. Call this when rows or sizes have changed. */
  restore(): void {
    const { list, anchor } = this
    if (this.isAtEnd) {
      list.scrollTop = list.scrollHeight
      return
    }
    const row = anchor && this.rowOf(anchor.key)
    if (row) list.scrollTop = row.offsetTop - anchor.offset
  }

  toEnd(): void {
    this.isAtEnd = true
    this.restore()
  }

  /** Scroll a row to the upper third. Returns false if there is no such row. */
  toRow(key: string): boolean {
    const row = this.rowOf(key)
    if (!row) return false
    this.list.scrollTop = row.offsetTop - this.list.clientHeight / 3
    this.record()
    return true
  }

  /** Where a row is: above the visible part, in it, below it, or null if it is not in the list. */
  placeOf(key: string): 'above' | 'inside' | 'below' | null {
    const row = this.rowOf(key)
    if (!row) return null
    if (row.offsetTop + row.offsetHeight <= this.list.scrollTop) return 'above'
    return row.offsetTop >= this.list.scrollTop + this.list.clientHeight ? 'below' : 'inside'
  }

  /** Pixels of content above and below the visible part. */
  get beyond(): { readonly above: number; readonly below: number } {
    const { scrollTop, scrollHeight, clientHeight } = this.list
    return { above: scrollTop, below: scrollHeight - scrollTop - clientHeight }
  }

  private rowOf(key: string): HTMLElement | null {
    return this.rows.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)
  }

  /** Binary search: a list has hundreds of rows, and this runs on every scroll. */
  private firstInSight(): HTMLElement | null {
    const rows = this.rows.querySelectorAll<HTMLElement>(':scope > [data-key]')
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      const row = rows[middle]!
      if (row.offsetTop + row.offsetHeight <= this.list.scrollTop) low = middle + 1
      else high = middle
    }
    return rows[low] ?? null
  }
}
