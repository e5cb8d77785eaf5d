/** Numbers beside pages' names. The server renders the initial ones; scripts update them. */

/** Unread; addressed to the user; firing alerts. */
export type Tone = 'plain' | 'accent' | 'critical'

const MOST_SHOWN = 99
const FLASH_MS = 800

/**
 * Update a number in all its places: in each form of the navigation, and at the bell.
 *
 * @param key the key of the page's `Badge` on the server
 * @param number zero hides the badge
 */
export function setBadge(key: string, number: number, tone: Tone = 'plain'): void {
  for (const badge of badgesOf(key)) {
    const before = Number(badge.dataset.number)
    badge.dataset.number = String(number)
    badge.textContent = number > MOST_SHOWN ? `${MOST_SHOWN}+` : String(number)
    badge.hidden = number === 0
    badge.classList.toggle('is-hot', tone === 'accent')
    badge.classList.toggle('is-crit', tone === 'critical')
    if (number > before) flash(badge)
  }
}

/** Whether the navigation shows this number to this user. */
export const hasBadge = (key: string): boolean => badgesOf(key).length > 0

const badgesOf = (key: string): NodeListOf<HTMLElement> => document.querySelectorAll(`[data-badge="${key}"]`)

function flash(badge: HTMLElement): void {
  badge.classList.add('is-new')
  setTimeout(() => badge.classList.remove('is-new'), FLASH_MS)
}
