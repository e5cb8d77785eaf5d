/** Announcements and messages from users: a note in the corner, which disappears unless it is important. */
import type { NotificationFeed, Told } from '@/lib/notifications/feed'
import { shapeOfSeverity } from '@/lib/notifications/wording'

const STAYS_MS = 10_000
const MOST_SHOWN = 4

export function startToasts(feed: NotificationFeed): void {
  const region = document.getElementById('toasts')
  const template = document.getElementById('toast-template')
  if (!region || !(template instanceof HTMLTemplateElement)) return
  // A live region has to exist before its content.
  region.setAttribute('aria-live', 'polite')
  feed.told.add((told) => {
    const toast = made(template, told)
    region.append(toast)
    while (region.children.length > MOST_SHOWN) region.firstElementChild?.remove()
  })
}

function made(template: HTMLTemplateElement, told: Told): HTMLElement {
  const toast = template.content.firstElementChild!.cloneNode(true) as HTMLElement
  const { icon, tone } = shapeOfSeverity(told.severity)
  const shape = toast.querySelector('svg')
  shape?.classList.add(tone)
  shape?.querySelector('use')?.setAttribute('href', `${document.documentElement.dataset.icons}#${told.from === null ? icon : 'mail'}`)
  const from = toast.querySelector<HTMLElement>('.toast-from')
  if (from) {
    const { announcement = '', from: words = '' } = from.dataset
    from.textContent = told.from === null ? announcement : words.replace('{username}', () => told.from ?? '')
  }
  toast.querySelector('.toast-message')!.textContent = told.message
  toast.dataset.severity = told.severity
  if (told.severity === 'critical') toast.setAttribute('role', 'alert')
  toast.querySelector('button')?.addEventListener('click', () => toast.remove())
  if (told.severity === 'info') leaveLater(toast)
  return toast
}

/** Remove the toast after a while, but not while the user points at it or focuses it. */
function leaveLater(toast: HTMLElement): void {
  let timer = 0
  const wait = (): void => {
    timer = window.setTimeout(() => toast.remove(), STAYS_MS)
  }
  const stay = (): void => clearTimeout(timer)
  toast.addEventListener('pointerenter', stay)
  toast.addEventListener('focusin', stay)
  toast.addEventListener('pointerleave', wait)
  toast.addEventListener('focusout', wait)
  wait()
}
