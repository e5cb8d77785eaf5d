/** Single-key shortcuts. They are disabled while the user is typing, and combinations with a modifier stay the browser's. */

/** Layers above the page: Escape closes them without a shortcut, and must close nothing else. */
const LAYER = 'dialog[open], :popover-open'
const TYPING = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]'

/** Call the action for each pressed key. Returns a function that removes the shortcuts. */
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

/** Whether the key belongs to an input method that is still composing: its Enter chooses a candidate. */
export function isComposing(event: KeyboardEvent): boolean {
  // Safari ends the composition before the key event that ended it; only the legacy key code shows it.
  return event.isComposing || event.keyCode === 229
}
