/** The bell of every page: how many are unread, a word about what comes, the list on demand. */
import type { Boot } from '@/lib/boot'
import { openFeed, type NotificationFeed } from '@/lib/notifications/feed'
import type { Notification } from '@/lib/notifications/notification'
import { readStored, writeStored } from '@/lib/stored'

import { startToasts } from './toasts'

const MOST_SHOWN = 99
const FLASH_MS = 800
const PREPARE_WITHIN_MS = 3_000

export function startBell(boot: Partial<Boot>): void {
  const bell = document.getElementById('bell')
  const panel = document.getElementById('bell-panel')
  if (!bell || !panel || !boot.workspace || !boot.user) return
  const feed = openFeed(boot.workspace.slug)
  keepCount(feed, bell, `pitwall.unread.${boot.user.id}.${boot.workspace.slug}`)
  feed.arrived.add((notification) => announce(notification))
  startToasts(feed)
  prepare()
  panel.addEventListener('beforetoggle', (event) => {
    if ((event as ToggleEvent).newState === 'open') void fill(panel, feed, boot.language ?? 'en')
  })
  panel.addEventListener('toggle', (event) => {
    if ((event as ToggleEvent).newState === 'open') panel.focus()
  })
}

/** The last known number is there at once; the server's follows. */
function keepCount(feed: NotificationFeed, bell: HTMLElement, key: string): void {
  show(bell, Number(readStored(key)) || 0)
  feed.counted.add((count) => {
    show(bell, count)
    writeStored(key, String(count))
  })
  feed.arrived.add(() => flash())
}

function show(bell: HTMLElement, count: number): void {
  for (const badge of badges()) {
    badge.textContent = count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count)
    badge.hidden = count === 0
  }
  const { label = '', labelUnread = '' } = bell.dataset
  bell.setAttribute('aria-label', count === 0 ? label : labelUnread.replace('{n}', String(count)))
}

function flash(): void {
  for (const badge of badges()) {
    badge.classList.add('is-new')
    setTimeout(() => badge.classList.remove('is-new'), FLASH_MS)
  }
}

const badges = (): Iterable<HTMLElement> => document.querySelectorAll<HTMLElement>('[data-unread]')

/** For who does not see the number change: critical ones at once, others when there is a pause. */
function announce({ title, severity }: Notification): void {
  const words = document.getElementById('announcer')?.dataset.new ?? '{title}'
  const region = document.getElementById(severity === 'critical' ? 'announcer-critical' : 'announcer')
  if (region) region.textContent = words.replace('{title}', () => title)
}

const panelCode = (): Promise<typeof import('./bell-panel')> => import('./bell-panel')
let filled = false

/** The list reads and follows once somebody looks at it. */
async function fill(panel: HTMLElement, feed: NotificationFeed, language: string): Promise<void> {
  if (filled) return
  filled = true
  try {
    const { mountPanel } = await panelCode()
    mountPanel(panel, feed, language)
  } catch {
    // The server is away: the next time the bell is pressed it is tried again.
    filled = false
    const wait = panel.querySelector<HTMLElement>('.bell-wait')
    if (wait) wait.textContent = wait.dataset.failed ?? ''
  }
}

/** Have the list's code at hand before it is needed: the server may be away by then. */
function prepare(): void {
  const load = (): void => void panelCode().catch(() => undefined)
  if ('requestIdleCallback' in window) requestIdleCallback(load, { timeout: PREPARE_WITHIN_MS })
  else setTimeout(load, PREPARE_WITHIN_MS)
}
