/** Buttons beside a field: show a password, or copy a value that is shown only once. */

const COPIED_MS = 2000

export function bindFormButtons(): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-show-password]')) {
    button.addEventListener('click', () => togglePassword(button))
  }
  for (const button of document.querySelectorAll<HTMLElement>('[data-copy]')) {
    button.addEventListener('click', () => void copy(button))
  }
}

function field(id: string | undefined): HTMLInputElement | null {
  const found = document.getElementById(id ?? '')
  return found instanceof HTMLInputElement ? found : null
}

function togglePassword(button: HTMLElement): void {
  const input = field(button.dataset.showPassword)
  if (!input) return
  const shown = input.type === 'password'
  input.type = shown ? 'text' : 'password'
  button.setAttribute('aria-pressed', String(shown))
  setIcon(button, shown ? 'eye-off' : 'eye')
}

async function copy(button: HTMLElement): Promise<void> {
  const input = field(button.dataset.copy)
  if (!input) return
  input.select()
  // Pages served over plain HTTP have no clipboard access; there the user can copy the selection.
  await navigator.clipboard?.writeText(input.value).catch(() => undefined)
  setIcon(button, 'check')
  setTimeout(() => setIcon(button, 'copy'), COPIED_MS)
}

function setIcon(button: HTMLElement, name: string): void {
  const use = button.querySelector('use')
  use?.setAttribute('href', (use.getAttribute('href') ?? '').replace(/#.*/, `#${name}`))
}
