import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { message, messages } from './testing'
import { changed, firstSequence, isAtEnd, lastSequence, MOST_KEPT, opened, received, withNewer, withOlder, type Timeline } from './timeline'

const sequences = (timeline: Timeline): number[] => timeline.messages.map((one) => one.sequence)
const range = (from: number, to: number): number[] => messages(from, to).map((one) => one.sequence)

describe('a timeline', () => {
  it('is in order of sequence and without duplicates, whatever the order of a page', () => {
    expect(sequences(opened([message(3), message(1), message(2), message(1)], 3, false))).toEqual([1, 2, 3])
  })

  it('takes the next message and knows that it is at the end', () => {
    const next = received(opened(messages(1, 3), 3, false), message(4), true)
    expect(sequences(next)).toEqual([1, 2, 3, 4])
    expect(isAtEnd(next)).toBe(true)
  })

  it('takes a message once', () => {
    const timeline = opened(messages(1, 3), 3, false)
    expect(sequences(received(timeline, message(3), true))).toEqual([1, 2, 3])
  })

  it('holds back a message after a gap, and knows that there is more', () => {
    const next = received(opened(messages(1, 3), 3, false), message(6), true)
    expect(sequences(next)).toEqual([1, 2, 3])
    expect(next.newest).toBe(6)
    expect(isAtEnd(next)).toBe(false)
    expect(sequences(withNewer(next, messages(4, 6)))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('grows at the beginning and shrinks at the end', () => {
    const full = opened(messages(101, 100 + MOST_KEPT), 100 + MOST_KEPT, true)
    const older = withOlder(full, messages(41, 100), true)
    expect(older.messages).toHaveLength(MOST_KEPT)
    expect(firstSequence(older)).toBe(41)
    expect(isAtEnd(older)).toBe(false)
  })

  it('grows at the end and shrinks at the beginning, where older messages can be loaded again', () => {
    const full = opened(messages(1, MOST_KEPT), MOST_KEPT + 60, false)
    const newer = withNewer(full, messages(MOST_KEPT + 1, MOST_KEPT + 60))
    expect(newer.messages).toHaveLength(MOST_KEPT)
    expect(lastSequence(newer)).toBe(MOST_KEPT + 60)
    expect(newer.hasOlder).toBe(true)
  })

  it('removes nothing while the reader is not at the end', () => {
    const full = opened(messages(1, MOST_KEPT), MOST_KEPT, false)
    const next = received(full, message(MOST_KEPT + 1), false)
    expect(firstSequence(next)).toBe(1)
    expect(isAtEnd(next)).toBe(false)
  })

  it('changes one message and leaves the others the same', () => {
    const timeline = opened(messages(1, 3), 3, false)
    const next = changed(timeline, 1002, (one) => ({ ...one, text: 'other' }))
    expect(next.messages.map((one) => one.text)).toEqual(['text 1', 'other', 'text 3'])
    expect(next.messages[0]).toBe(timeline.messages[0])
    expect(changed(timeline, 9, (one) => one)).toBe(timeline)
  })

  it('is an unbroken run, whatever arrives in whatever order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('message' as const), sequence: fc.integer({ min: 1, max: 700 }), following: fc.boolean() }),
      fc.record({ kind: fc.constant('older' as const) }),
      fc.record({ kind: fc.constant('newer' as const) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
        let timeline = opened(messages(start, start + 59), start + 59, start > 1)
        for (const one of steps) {
          const first = firstSequence(timeline)
          const last = lastSequence(timeline)
          if (one.kind === 'message') timeline = received(timeline, message(one.sequence), one.following)
          else if (one.kind === 'older') timeline = withOlder(timeline, messages(Math.max(1, first - 60), first - 1), first > 61)
          else timeline = withNewer(timeline, messages(last + 1, Math.min(timeline.newest, last + 60)))
          expect(sequences(timeline)).toEqual(range(firstSequence(timeline), lastSequence(timeline)))
          expect(timeline.messages.length).toBeLessThanOrEqual(MOST_KEPT)
          expect(timeline.newest).toBeGreaterThanOrEqual(lastSequence(timeline))
        }
      }),
    )
  })
})
