/** Arrow keys move between the rows of a list; each row also stays reachable by Tab, as a link or a button. */

const STEPS: Readonly<Record<string, (index: number, last: number) => number>> = {
  ArrowDown: (index, last) => Math.min(index + 1, last),
  ArrowUp: (index) => Math.max(index - 1, 0),
  Home: () => 0,
  End: (_index, last) => last,
}

/** Move the focus among the elements of `within` that match `selector`; if none has the focus, to the first. */
export function moveFocus(event: KeyboardEvent, within: HTMLElement | null, selector: string): void {
  const step = STEPS[event.key]
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return
  const rows = [...(within?.querySelectorAll<HTMLElement>(selector) ?? [])]
  if (rows.length === 0) return
  event.preventDefault()
  const index = rows.findIndex((row) => row === document.activeElement)
  rows[index === -1 ? 0 : step(index, rows.length - 1)]?.focus()
}
