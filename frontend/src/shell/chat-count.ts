/** The number beside "Chat" on every page that is not the chat itself, which knows better. */
import type { Boot } from '@/lib/boot'
import { followUnread } from '@/lib/chat-unread'

export function startChatCount(boot: Partial<Boot>): void {
  const isChat = document.querySelector('.main-chat') !== null
  if (boot.workspace && document.querySelector('[data-chat-unread]') && !isChat) followUnread(boot.workspace.slug)
}
