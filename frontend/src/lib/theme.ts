/** Light or dark: the system's setting until the user chooses. The choice is a cookie, so that the server can render it. */
import { writeCookie } from './cookies'

export type Theme = 'light' | 'dark'

const THEME_CHANGED = 'pitwall:theme'

function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

function chooseTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme
  writeCookie('theme', theme)
  document.dispatchEvent(new CustomEvent(THEME_CHANGED))
}

/** Call `listener` whenever the colours change, through the button or the system. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  document.addEventListener(THEME_CHANGED, listener)
  system.addEventListener('change', listener)
  return () => {
    document.removeEventListener(THEME_CHANGED, listener)
    system.removeEventListener('change', listener)
  }
}

export function bindThemeButtons(): void {
  for (const button of document.querySelectorAll('[data-theme-toggle]')) {
    button.addEventListener('click', () => chooseTheme(currentTheme() === 'dark' ? 'light' : 'dark'))
  }
}
