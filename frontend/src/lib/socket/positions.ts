/** The client's position in each log stream, and what to do with an event that arrives. */
import { isRecord, type Position } from './frames'

/** `deliver` the event; it is a `duplicate`; or earlier events are `missing`. */
export type Verdict = 'deliver' | 'duplicate' | 'missing'

interface Cursor extends Position {
  /** A subscription with `recover` has been sent and is not confirmed yet. */
  readonly recovering: boolean
}

export class StreamPositions {
  private readonly cursors = new Map<string, Cursor>()

  /** Judge an event, and advance the position if it is to be delivered. */
  accept(stream: string, { epoch, offset }: Position): Verdict {
    const cursor = this.cursors.get(stream)
    if (cursor === undefined) {
      this.cursors.set(stream, { epoch, offset, recovering: false })
      return 'deliver'
    }
    if (cursor.epoch !== epoch || offset > cursor.offset + 1) return 'missing'
    if (offset <= cursor.offset) return 'duplicate'
    this.cursors.set(stream, { ...cursor, offset })
    return 'deliver'
  }

  /** A snapshot contains everything up to its position. */
  set(stream: string, { epoch, offset }: Position): void {
    this.cursors.set(stream, { epoch, offset, recovering: false })
  }

  /** Apply the `positions` of a `subscription_confirmed`. Streams that the server recovers keep their own position. */
  confirm(positions: unknown): void {
    if (!isRecord(positions)) return
    for (const [stream, value] of Object.entries(positions)) {
      if (!isRecord(value) || typeof value.epoch !== 'string' || typeof value.offset !== 'number') continue
      const own = this.cursors.get(stream)
      const kept = value.recovered === true && own?.epoch === value.epoch
      const offset = kept ? own.offset : value.offset
      this.cursors.set(stream, { epoch: value.epoch, offset, recovering: false })
    }
  }

  /** The streams whose newest event, according to the server's heartbeat, has not arrived. */
  behind(offsets: unknown): string[] {
    if (!isRecord(offsets)) return []
    return [...this.cursors]
      .filter(([stream, cursor]) => !cursor.recovering && Number(offsets[stream] ?? 0) > cursor.offset)
      .map(([stream]) => stream)
  }

  isRecovering(stream: string): boolean {
    return this.cursors.get(stream)?.recovering ?? false
  }

  setRecovering(recovering: boolean): void {
    for (const [stream, cursor] of this.cursors) this.cursors.set(stream, { ...cursor, recovering })
  }

  forget(streams: Iterable<string>): void {
    for (const stream of streams) this.cursors.delete(stream)
  }

  clear(): void {
    this.cursors.clear()
  }

  /** The `recover` field of `subscribe`; undefined if no stream has a position yet. */
  recover(): Record<string, Position> | undefined {
    if (this.cursors.size === 0) return undefined
    return Object.fromEntries([...this.cursors].map(([stream, { epoch, offset }]) => [stream, { epoch, offset }]))
  }
}
