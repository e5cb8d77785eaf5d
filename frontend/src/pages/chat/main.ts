import './chat.css'

import { createApp } from 'vue'

import { readBoot } from '@/lib/boot'
import { createMessages } from '@/lib/i18n'

import { Chat } from './chat'
import ChatPage from './components/ChatPage.vue'

const boot = readBoot()
const root = document.getElementById('app')
if (root) {
  const page = createApp(ChatPage, {
    chat: new Chat(boot),
    base: root.dataset.base ?? '/chat/',
    loginUrl: root.dataset.loginUrl ?? '/',
  })
  page.use(createMessages(boot.language))
  page.mount(root)
}
