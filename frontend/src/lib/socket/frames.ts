/** Wire formats that all endpoints share (docs/protocol/frames.md, version 1). */

export interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

/** A position in a log stream: offsets count from 1 without gaps within an epoch. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

export interface ConnectionEstablished extends Frame {
  readonly client_id: string
  readonly user: { readonly id: number; readonly username: string } | null
  readonly heartbeat_timeout?: number
  readonly timestamp: string
}

/** Fields of `subscribe` that are lists, such as `metrics`, `streams`, `rooms`, `symbols`. */
export type Selection = Readonly<Record<string, readonly string[]>>

/** Snapshots that set a stream's position but do not name the stream. */
const SNAPSHOT_STREAMS: Readonly<Record<string, string>> = {
  orders_snapshot: 'orders',
  initial_data: 'notifications',
}

/** Parse a text frame. Null for anything but an object with a `type`: clients ignore what they don't know. */
export function parseFrame(text: string): Frame | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) && typeof value.type === 'string' ? (value as Frame) : null
  } catch {
    return null
  }
}

/** The frames inside a `batch_messages` frame, or the frame itself. */
export function unbatch(frame: Frame): readonly Frame[] {
  if (frame.type !== 'batch_messages' || !Array.isArray(frame.messages)) return [frame]
  return frame.messages.filter((item): item is Frame => isRecord(item) && typeof item.type === 'string')
}

/** The stream and position a frame carries, or null for frames outside log streams. */
export function positionOf(frame: Frame): (Position & { readonly stream: string; readonly snapshot: boolean }) | null {
  const { epoch, offset } = frame
  if (typeof epoch !== 'string' || typeof offset !== 'number') return null
  if (typeof frame.stream === 'string') return { stream: frame.stream, epoch, offset, snapshot: frame.type.endsWith('_snapshot') }
  const stream = SNAPSHOT_STREAMS[frame.type]
  return stream === undefined ? null : { stream, epoch, offset, snapshot: true }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
