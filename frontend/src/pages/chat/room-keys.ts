/** Keys that work even while typing: previous and next room, and the room switcher. */
import { hasOpenLayer, isComposing } from '@/lib/keyboard'

import type { Chat } from './chat'
import type { Room } from './room'

export interface RoomKeyActions {
  go(slug: string): void
  toggleSwitcher(): void
  escape(): void
}

/** Returns a function that removes the keys. */
export function bindRoomKeys(chat: Chat, { go, toggleSwitcher, escape }: RoomKeyActions): () => void {
  const step = (by: number, wanted: (room: Room) => boolean): void => {
    const rooms = [...chat.directory.groups, ...chat.directory.directs]
    const at = rooms.findIndex((room) => room.slug === chat.openSlug.value)
    for (let tried = 1; tried <= rooms.length; tried += 1) {
      const room = rooms[(at + by * tried + rooms.length * tried) % rooms.length]!
      if (wanted(room)) return go(room.slug)
    }
  }
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isComposing(event)) return
    if (event.key === 'Escape') return hasOpenLayer() ? undefined : escape()
    const isSwitcher = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k'
    const isArrow = (event.altKey || event.ctrlKey) && !event.metaKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')
    if (!isSwitcher && !isArrow) return
    event.preventDefault()
    if (isSwitcher) toggleSwitcher()
    // An open dialog belongs to the room in which it was opened.
    else if (!document.querySelector('dialog[open]')) step(event.key === 'ArrowUp' ? -1 : 1, event.shiftKey ? (room) => room.counts.value.unread > 0 : () => true)
  }
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}
