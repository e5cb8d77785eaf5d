/** Single-key shortcuts. They are off while typing, and with a modifier the browser keeps its own. */

/** What lies above the page: Escape closes it by itself, and only it. */
const LAYER = 'dialog[open], :popover-open'
const TYPING = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]'

/** Call the action of a pressed key. Returns what removes the shortcuts again. */
export function bindShortcuts(actions: Readonly<Record<string, () => void>>): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (event.target instanceof Element && event.target.closest(TYPING)) return
    if (event.key === 'Escape' && hasOpenLayer()) return
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}

export const hasOpenLayer = (): boolean => document.querySelector(LAYER) !== null

/** The key belongs to an input method, which is still composing: its Enter chooses a candidate. */
export function isComposing(event: KeyboardEvent): boolean {
  // Safari ends the composition before the key that ended it, and says so by the old key code only.
  return event.isComposing || event.keyCode === 229
}
