/** Loads messages that the page does not have. */
import { CommandError, type Connection } from '@/lib/socket'
import { reconnectDelay } from '@/lib/socket/backoff'

import { firstSequence, lastSequence } from './model/timeline'
import { listOf, messageOf } from './model/wire'
import type { Room, Side } from './room'

const PAGE = 60

interface Pause {
  readonly failures: number
  /** In milliseconds, on this device's clock. */
  readonly until: number
}

export class HistoryPages {
  private readonly pauses = new WeakMap<Room, Pause>()

  constructor(
    private readonly connection: Connection,
    private readonly now = Date.now,
    private readonly random = Math.random,
  ) {}

  older(room: Room): void {
    const { value: timeline } = room.timeline
    if (timeline?.hasOlder && this.mayAsk(room)) void this.load(room, 'older', { before: firstSequence(timeline) })
  }

  newer(room: Room): void {
    const { value: timeline } = room.timeline
    if (timeline && !room.isAtEnd && this.mayAsk(room)) void this.load(room, 'newer', { after: lastSequence(timeline) })
  }

  /** Replace the loaded messages with the newest ones. */
  async newest(room: Room): Promise<boolean> {
    return this.load(room, 'around', {})
  }

  /** Replace the loaded messages with those around a sequence. */
  async around(room: Room, sequence: number): Promise<boolean> {
    return this.load(room, 'around', { around: sequence })
  }

  /** Request the failed page again, without waiting for the pause to end. */
  retry(room: Room): void {
    const { value: side } = room.failed
    room.failed.value = null
    if (side === 'older') this.older(room)
    else if (side === 'newer') this.newer(room)
  }

  /** The list asks whenever it moves: load one page at a time, and pause after failures. */
  private mayAsk(room: Room): boolean {
    if (room.isLoading.value !== null || this.connection.state.kind !== 'live') return false
    return room.failed.value === null || this.now() >= (this.pauses.get(room)?.until ?? 0)
  }

  private async load(room: Room, side: Side, where: Readonly<Record<string, number>>): Promise<boolean> {
    const turn = room.beginLoad(side)
    let failed: Side | null = null
    try {
      const page = await this.connection.command('history', { room: room.slug, limit: PAGE, ...where })
      if (!room.isAwaited(turn)) return false
      room.loaded(side, listOf(page.data).map(messageOf), page.has_before === true)
      this.pauses.delete(room)
      return true
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      // The page is requested again when the connection is back.
      if (error.code === 'disconnected') return false
      failed = side
      this.pause(room, error)
      return false
    } finally {
      if (room.isAwaited(turn)) room.endLoad(failed)
    }
  }

  private pause(room: Room, { retryAfterMs }: CommandError): void {
    const failures = this.pauses.get(room)?.failures ?? 0
    const until = this.now() + reconnectDelay(failures, this.random(), retryAfterMs ?? 0)
    this.pauses.set(room, { failures: failures + 1, until })
  }
}
