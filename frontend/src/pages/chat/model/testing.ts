/** Messages and frames for tests. */
import type { Frame } from '@/lib/socket/frames'

import type { Message } from './types'
import { messageOf } from './wire'

export const ALICE = 1
export const BOB = 2
export const START = Date.UTC(2026, 10, 21, 12)

/** A message in the server's format: from bob, one per minute, unless `fields` say otherwise. */
export function messageFields(sequence: number, fields: object = {}): Record<string, unknown> {
  return {
    room: 'ops',
    sequence,
    message_id: 1000 + sequence,
    user_id: BOB,
    username: 'bob',
    system: false,
    message: `text ${sequence}`,
    html: `<p>text ${sequence}</p>`,
    timestamp: new Date(START + sequence * 60_000).toISOString(),
    reactions: [],
    attachments: [],
    mentions: [],
    ...fields,
  }
}

export const message = (sequence: number, fields: object = {}): Message => messageOf(messageFields(sequence, fields))

/** Messages `from` to `to`, inclusive. */
export const messages = (from: number, to: number): Message[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => message(from + index))

export const frame = (type: string, fields: object): Frame => ({ type, room: 'ops', ...fields })
