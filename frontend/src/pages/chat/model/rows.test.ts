import { describe, expect, it } from 'vitest'

import type { Pending } from './outbox'
import { rowsOf, type Row } from './rows'
import { ALICE, message, messages } from './testing'

const shape = (rows: readonly Row[]): string[] =>
  rows.map((row) => (row.kind === 'message' ? `${row.continues ? '+' : ''}${row.message.sequence}` : row.kind === 'pending' ? `${row.continues ? '+' : ''}${row.pending.text}` : row.kind))
const pending = (text: string, at: number): Pending => ({ room: 'ops', text, replyTo: null, reply: null, attachments: [], card: null, clientMessageId: text, at, state: 'waiting', error: '', canConfirm: false, confirm: false, sequence: null })

describe('rows', () => {
  it('group messages by one author that follow each other closely', () => {
    const list = [message(1), message(2), message(3, { user_id: ALICE }), message(4)]
    expect(shape(rowsOf(list, [], null, ALICE))).toEqual(['day', '1', '+2', '3', '4'])
  })

  it('start a new group after a pause, for a reply, and around a deleted message', () => {
    const list = [message(1), message(9), message(10, { reply_to: 1001 }), message(11, { deleted: true }), message(12)]
    expect(shape(rowsOf(list, [], null, ALICE))).toEqual(['day', '1', '9', '10', '11', '12'])
  })

  it('show when a day begins', () => {
    const list = [message(1), message(2, { timestamp: '2026-11-23T12:00:00Z' })]
    expect(shape(rowsOf(list, [], null, ALICE))).toEqual(['day', '1', 'day', '2'])
  })

  it('show where the unread messages begin', () => {
    expect(shape(rowsOf(messages(1, 3), [], 1, ALICE))).toEqual(['day', '1', 'unread', '2', '+3'])
  })

  it('show the divider at the top if no read message is loaded, and nowhere if all are read', () => {
    expect(shape(rowsOf(messages(5, 6), [], 2, ALICE))).toEqual(['day', 'unread', '5', '+6'])
    expect(shape(rowsOf(messages(5, 6), [], 6, ALICE))).toEqual(['day', '5', '+6'])
  })

  it("end with pending messages, grouped with the user's last message", () => {
    const own = message(1, { user_id: ALICE })
    expect(shape(rowsOf([own], [pending('a', own.time + 1000), pending('b', own.time + 2000)], null, ALICE))).toEqual(['day', '1', '+a', '+b'])
    expect(shape(rowsOf([message(1)], [pending('a', own.time + 1000)], null, ALICE))).toEqual(['day', '1', 'a'])
  })

  it('have keys that stay the same while messages come and go', () => {
    const before = rowsOf(messages(2, 4), [], null, ALICE).map((row) => row.key)
    const after = rowsOf(messages(1, 5), [], null, ALICE).map((row) => row.key)
    expect(after).toEqual(expect.arrayContaining(before))
    expect(new Set(after).size).toBe(after.length)
  })
})
