/** The list under the bell. Loaded when it is first opened. */
import { createApp } from 'vue'

import { createMessages } from '@/lib/i18n'
import type { NotificationFeed } from '@/lib/notifications/feed'

import BellPanel from './BellPanel.vue'

export function mountPanel(panel: HTMLElement, feed: NotificationFeed, language: string): void {
  const app = createApp(BellPanel, { feed, inboxUrl: panel.dataset.inboxUrl ?? '/inbox/', close: () => panel.hidePopover() })
  app.use(createMessages(language))
  app.mount(panel)
}
