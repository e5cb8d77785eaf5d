/** The bell of every page: the unread count, announcements of new notifications, the list on demand. */
import { setBadge } from '@/lib/badges'
import type { Boot } from '@/lib/boot'
import { openFeed, type NotificationFeed } from '@/lib/notifications/feed'
import type { Notification } from '@/lib/notifications/notification'

import { startToasts } from './toasts'

const BADGE = 'notifications'
const PREPARE_WITHIN_MS = 3_000

export function startBell(boot: Partial<Boot>): void {
  const bell = document.getElementById('bell')
  const panel = document.getElementById('bell-panel')
  if (!bell || !panel || !boot.workspace || !boot.user) return
  const feed = openFeed(boot.workspace.slug)
  feed.counted.add((count) => setBadge(BADGE, count, 'accent'))
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

/** For screen readers: critical notifications interrupt, others wait for a pause. */
function announce({ title, severity }: Notification): void {
  const words = document.getElementById('announcer')?.dataset.new ?? '{title}'
  const region = document.getElementById(severity === 'critical' ? 'announcer-critical' : 'announcer')
  if (region) region.textContent = words.replace('{title}', () => title)
}

const panelCode = (): Promise<typeof import('./bell-panel')> => import('./bell-panel')
let filled = false

/** The list loads and follows the feed only once it is opened. */
async function fill(panel: HTMLElement, feed: NotificationFeed, language: string): Promise<void> {
  if (filled) return
  filled = true
  try {
    const { mountPanel } = await panelCode()
    mountPanel(panel, feed, language)
  } catch {
    // The server is unreachable: the next press of the bell tries again.
    filled = false
    const wait = panel.querySelector<HTMLElement>('.bell-wait')
    if (wait) wait.textContent = wait.dataset.failed ?? ''
  }
}

/** Load the list's code before it is needed: the server may be unreachable later. */
function prepare(): void {
  const load = (): void => void panelCode().catch(() => undefined)
  if ('requestIdleCallback' in window) requestIdleCallback(load, { timeout: PREPARE_WITHIN_MS })
  else setTimeout(load, PREPARE_WITHIN_MS)
}
