/** The number beside "Chat", on every page except the chat itself, which has its own count. */
import type { Boot } from '@/lib/boot'
import { hasBadge } from '@/lib/badges'
import { CHAT_BADGE, followUnread } from '@/lib/chat-unread'
import { openFeed } from '@/lib/notifications/feed'

export function startChatCount(boot: Partial<Boot>): void {
  const isChat = document.querySelector('.main-chat') !== null
  if (boot.workspace && hasBadge(CHAT_BADGE) && !isChat) followUnread(boot.workspace.slug, openFeed(boot.workspace.slug).connection)
}
