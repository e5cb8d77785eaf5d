/** Tells the server how far this user has read: up to the last message in view of a window that has the user's attention. */
import { CommandError, type Connection } from '@/lib/socket'

import type { Room } from './room'

const SETTLE_MS = 250

export class Reading {
  private timer = 0
  private told = new Map<string, number>()

  constructor(
    private readonly connection: Connection,
    private readonly current: () => Room | null,
  ) {
    addEventListener('focus', () => this.look())
    document.addEventListener('visibilitychange', () => this.look())
    connection.onState((state) => {
      if (state.kind === 'live') this.told.clear()
    })
  }

  /** Call when something has changed, so that messages may count as read now. */
  look(): void {
    clearTimeout(this.timer)
    this.timer = window.setTimeout(() => this.tell(), SETTLE_MS)
  }

  private tell(): void {
    const room = this.current()
    if (!room || room.info.value.role === null || !document.hasFocus() || document.visibilityState !== 'visible') return
    const { newest, read } = room.counts.value
    const inSight = room.timeline.value !== null && room.isAtEnd && room.isFollowing
    if (inSight && newest > read) void this.markRead(room, newest)
  }

  async markRead(room: Room, sequence: number): Promise<void> {
    if ((this.told.get(room.slug) ?? 0) >= sequence) return
    this.told.set(room.slug, sequence)
    try {
      await this.connection.command('mark_read', { room: room.slug, sequence })
      room.read(sequence)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      this.told.delete(room.slug)
    }
  }
}
