import './inbox.css'

import { createApp } from 'vue'

import { readBoot } from '@/lib/boot'
import { createMessages } from '@/lib/i18n'
import { openFeed } from '@/lib/notifications/feed'

import InboxPage from './components/InboxPage.vue'
import { Inbox } from './inbox'
import type { Kind } from './kinds'

const boot = readBoot()
const root = document.getElementById('app')
if (root) {
  const kinds = JSON.parse(document.getElementById('kinds')?.textContent ?? '[]') as Kind[]
  const inbox = new Inbox(openFeed(boot.workspace?.slug ?? null))
  const page = createApp(InboxPage, { inbox, kinds, loginUrl: root.dataset.loginUrl ?? '/' })
  page.use(createMessages(boot.language))
  page.mount(root)
}
