/**
 * Keeps what is read in place while rows come and go around it.
 *
 * The browser's own anchoring knows nothing of rows that are taken away at the other end, and not every browser has it.
 */

/** Nearer to the end than this, in pixels, is at the end. */
const END_REACH = 32

interface Anchor {
  readonly key: string
  /** Of the row's upper edge below that of the visible part, in pixels. */
  readonly offset: number
}

export class ScrollKeeper {
  /** Whether the end is in sight: new rows then scroll it into sight again. */
  isAtEnd = true
  private anchor: Anchor | null = null

  /**
   * @param list scrolls
   * @param rows holds the rows: its children with `data-key`
   */
  constructor(
    private readonly list: HTMLElement,
    private readonly rows: HTMLElement,
  ) {}

  /** Remember what is in sight. To be called when the list was scrolled. */
  record(): void {
    const { list } = this
    this.isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_REACH
    this.refresh()
  }

  /** The same, when rows are about to change: whether the reader is at the end is known from before. */
  refresh(): void {
    const row = this.firstInSight()
    this.anchor = row ? { key: row.dataset.key!, offset: row.offsetTop - this.list.scrollTop } : null
  }

  /** Put what was in sight back into its place. To be called when rows or sizes have changed. */
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

  /** Scroll a row into the upper third. False: there is no such row. */
  toRow(key: string): boolean {
    const row = this.rowOf(key)
    if (!row) return false
    this.list.scrollTop = row.offsetTop - this.list.clientHeight / 3
    this.record()
    return true
  }

  /** Where a row is: before what is in sight, within, after, or nowhere. */
  placeOf(key: string): 'above' | 'inside' | 'below' | null {
    const row = this.rowOf(key)
    if (!row) return null
    if (row.offsetTop + row.offsetHeight <= this.list.scrollTop) return 'above'
    return row.offsetTop >= this.list.scrollTop + this.list.clientHeight ? 'below' : 'inside'
  }

  /** Pixels of content before and after what is in sight. */
  get beyond(): { readonly above: number; readonly below: number } {
    const { scrollTop, scrollHeight, clientHeight } = this.list
    return { above: scrollTop, below: scrollHeight - scrollTop - clientHeight }
  }

  private rowOf(key: string): HTMLElement | null {
    return this.rows.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)
  }

  /** By halving: a list has hundreds of rows, and this runs with every scroll. */
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
