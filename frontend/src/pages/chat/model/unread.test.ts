import { describe, expect, it } from 'vitest'

import { ALICE, message, messages } from './testing'
import { arrived, countAfter, readUpTo, type ReadState } from './unread'

const state: ReadState = { newest: 10, read: 8, unread: 2, mentions: 1 }

describe('the unread count', () => {
  it('grows with messages from others, and counts mentions among them', () => {
    expect(arrived(state, message(11), ALICE)).toEqual({ newest: 11, read: 8, unread: 3, mentions: 1 })
    expect(arrived(state, message(11, { mentions: [ALICE] }), ALICE)).toEqual({ newest: 11, read: 8, unread: 3, mentions: 2 })
    expect(arrived(state, message(11, { mentions_all: true }), ALICE).mentions).toBe(2)
  })

  it("does not grow with the user's own messages, nor with a known one", () => {
    expect(arrived(state, message(11, { user_id: ALICE }), ALICE)).toEqual({ ...state, newest: 11 })
    expect(arrived(state, message(10), ALICE)).toBe(state)
  })

  it('is zero once the newest is read', () => {
    expect(readUpTo(state, 10, null)).toEqual({ newest: 10, read: 10, unread: 0, mentions: 0 })
  })

  it("is the server's count while there are more", () => {
    expect(readUpTo(state, 9, { unread: 1, mentions: 0 })).toEqual({ newest: 10, read: 9, unread: 1, mentions: 0 })
  })

  it('never grows by reading, and the read sequence never goes back', () => {
    expect(readUpTo(state, 7, { unread: 3, mentions: 3 })).toBe(state)
    expect(readUpTo({ ...state, unread: 5 }, 9, null).unread).toBe(1)
  })

  it('is counted from the loaded messages if they reach from the last read one to the newest', () => {
    const list = [...messages(9, 10), message(11, { user_id: ALICE }), message(12, { mentions: [ALICE] })]
    const loaded = { messages: list, hasOlder: true }
    expect(countAfter(loaded, 9, 12, ALICE)).toEqual({ unread: 2, mentions: 1 })
    expect(countAfter(loaded, 5, 12, ALICE)).toBeNull()
    expect(countAfter(loaded, 9, 13, ALICE)).toBeNull()
  })

  it('is counted from the loaded messages if there are none before them', () => {
    expect(countAfter({ messages: messages(9, 10), hasOlder: false }, 5, 10, ALICE)).toEqual({ unread: 2, mentions: 0 })
    expect(countAfter({ messages: [], hasOlder: false }, 5, 10, ALICE)).toEqual({ unread: 0, mentions: 0 })
    expect(countAfter({ messages: [], hasOlder: true }, 5, 10, ALICE)).toBeNull()
  })
})
