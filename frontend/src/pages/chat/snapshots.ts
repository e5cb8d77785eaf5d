/** Room snapshots: requests those again that never arrived. */
import type { Connection, Frame } from '@/lib/socket'

import { recordOf, textOf } from './model/wire'

/** Snapshots come one by one: only a pause of this length means that no more will come. */
const WITHIN_MS = 5_000

export class RoomSnapshots {
  /** Rooms whose snapshot was announced but has not arrived. */
  private readonly due = new Set<string>()
  private overdue: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly connection: Connection) {
    connection.on('subscription_confirmed', (frame) => this.confirmed(frame))
    connection.on('room_snapshot', (frame) => this.arrived(textOf(frame.room)))
    connection.onState((state) => {
      if (state.kind !== 'live') clearTimeout(this.overdue)
    })
  }

  /** The room is no longer followed. */
  forget(room: string): void {
    this.due.delete(room)
  }

  private confirmed(frame: Frame): void {
    const positions = recordOf(frame.positions)
    const lost: string[] = []
    for (const room of Object.keys(recordOf(frame.rooms))) {
      const { recovered } = recordOf(positions[`room:${room}`])
      if (recovered === false) this.due.add(room)
      // The position was confirmed, but the connection ended before its snapshot arrived.
      else if (recovered === true && this.due.has(room)) lost.push(room)
    }
    if (lost.length > 0) this.ask(lost)
    this.expect()
  }

  private arrived(room: string): void {
    this.due.delete(room)
    this.expect()
  }

  private expect(): void {
    clearTimeout(this.overdue)
    if (this.due.size > 0) this.overdue = setTimeout(() => this.ask([...this.due]), WITHIN_MS)
  }

  /** The server sends a snapshot only for a room without a position: unsubscribing drops the position. */
  private ask(rooms: readonly string[]): void {
    this.connection.unsubscribe({ rooms })
    this.connection.subscribe({ rooms })
  }
}
