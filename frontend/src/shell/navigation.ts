/** The navigation's folds and width. The server renders both from cookies, so nothing moves while a page loads. */
import { readCookie, writeCookie } from '@/lib/cookies'

const FOLDS = 'nav_folds'

export function bindNavigation(): void {
  document.querySelector<HTMLElement>('[data-nav-collapse]')?.addEventListener('click', (event) => toggleRail(event.currentTarget as HTMLElement))
  for (const button of document.querySelectorAll<HTMLElement>('[data-nav-fold]')) button.addEventListener('click', () => toggleFold(button))
  showCurrentTab()
}

function toggleRail(button: HTMLElement): void {
  const isRail = document.querySelector('.shell')?.classList.toggle('is-rail') ?? false
  const { navCollapse = '', collapse = '', expand = '' } = button.dataset
  writeCookie(navCollapse, isRail ? 'rail' : 'wide')
  button.ariaLabel = button.title = isRail ? expand : collapse
}

function toggleFold(button: HTMLElement): void {
  const name = button.dataset.navFold ?? ''
  const isOpen = button.ariaExpanded !== 'true'
  button.ariaExpanded = String(isOpen)
  const list = document.getElementById(button.getAttribute('aria-controls') ?? '')
  if (list) list.hidden = !isOpen
  const others = readCookie(FOLDS).split('.').filter((choice) => choice !== '' && !choice.startsWith(`${name}:`))
  writeCookie(FOLDS, [...others, `${name}:${isOpen ? 'open' : 'folded'}`].join('.'))
}

/** Scroll the section tabs to the current one, which may be out of view on a narrow screen. */
function showCurrentTab(): void {
  const tab = document.querySelector<HTMLElement>('.sec > [aria-current]')
  const row = tab?.parentElement
  if (tab && row) row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2
}
