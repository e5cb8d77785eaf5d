/** Asking the server for messages that are not at hand. */
import { CommandError, type Connection } from '@/lib/socket'

import { firstSequence, lastSequence } from './model/timeline'
import { listOf, messageOf } from './model/wire'
import type { Room } from './room'

const PAGE = 60

export class HistoryPages {
  constructor(private readonly connection: Connection) {}

  older(room: Room): void {
    const { value: timeline } = room.timeline
    if (!timeline?.hasOlder || room.isLoading.value !== null) return
    void this.load(room, 'older', { before: firstSequence(timeline) })
  }

  newer(room: Room): void {
    const { value: timeline } = room.timeline
    if (!timeline || room.isAtEnd || room.isLoading.value !== null) return
    void this.load(room, 'newer', { after: lastSequence(timeline) })
  }

  /** The newest messages in place of what is at hand. */
  async newest(room: Room): Promise<boolean> {
    return this.load(room, 'around', {})
  }

  /** The messages on both sides of a sequence in place of what is at hand. */
  async around(room: Room, sequence: number): Promise<boolean> {
    return this.load(room, 'around', { around: sequence })
  }

  private async load(room: Room, side: 'older' | 'newer' | 'around', where: Readonly<Record<string, number>>): Promise<boolean> {
    room.isLoading.value = side
    room.hasFailed.value = false
    try {
      const page = await this.connection.command('history', { room: room.slug, limit: PAGE, ...where })
      // A snapshot has come meanwhile: what was asked for belongs to before it.
      if (room.isLoading.value !== side) return false
      room.loaded(side, listOf(page.data).map(messageOf), page.has_before === true)
      return true
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      room.hasFailed.value = error.code !== 'disconnected'
      return false
    } finally {
      if (room.isLoading.value === side) room.isLoading.value = null
    }
  }
}
