/** The page's feed as a composable for components. */
import { computed, onUnmounted, ref, shallowRef } from 'vue'

import type { NotificationFeed } from './feed'

const TICK_MS = 20_000

export function useFeed(feed: NotificationFeed) {
  const unreadCount = ref(feed.unreadCount ?? 0)
  const connectionState = shallowRef(feed.connection.state)
  /** When the server last sent anything, by this device's clock. */
  const heardAt = ref<number | null>(feed.unreadCount === null ? null : Date.now())
  const now = ref(Date.now())
  /** Whether marking as read failed. */
  const failed = ref(false)
  const clock = setInterval(() => (now.value = Date.now()), TICK_MS)
  const stops = [
    feed.counted.add((count) => {
      unreadCount.value = count
      heardAt.value = now.value = Date.now()
    }),
    feed.connection.onState((state) => (connectionState.value = state)),
  ]
  onUnmounted(() => {
    clearInterval(clock)
    stops.forEach((stop) => stop())
  })

  async function tried(change: Promise<void>): Promise<void> {
    failed.value = false
    try {
      await change
    } catch {
      failed.value = true
    }
  }

  return {
    unreadCount,
    connectionState,
    heardAt,
    now,
    failed,
    isLive: computed(() => ['live', 'connecting'].includes(connectionState.value.kind)),
    markRead: (id: number) => void tried(feed.markRead(id)),
    markAllRead: () => void tried(feed.markAllRead()),
  }
}
