import { describe, expect, it } from 'vitest'

import { TypingPeople, TypingThrottle, TYPING_EVERY_MS, TYPING_LASTS_MS } from './typing'

describe('typing', () => {
  it('is shown until it has not been repeated for a while', () => {
    const people = new TypingPeople()
    people.said(2, 'bob', 0)
    people.said(3, 'carol', 1000)
    expect(people.names(1000)).toEqual(['bob', 'carol'])
    people.said(2, 'bob', 5000)
    expect(people.names(1000 + TYPING_LASTS_MS)).toEqual(['bob'])
    expect(people.names(5000 + TYPING_LASTS_MS)).toEqual([])
  })

  it('ends with the message', () => {
    const people = new TypingPeople()
    people.said(2, 'bob', 0)
    people.stopped(2)
    expect(people.names(0)).toEqual([])
  })

  it('is reported at most every few seconds, and only for text that will be a message', () => {
    const throttle = new TypingThrottle()
    expect(throttle.shouldTell('  ', 0)).toBe(false)
    expect(throttle.shouldTell('/metric cpu', 0)).toBe(false)
    expect(throttle.shouldTell('h', 0)).toBe(true)
    expect(throttle.shouldTell('he', TYPING_EVERY_MS - 1)).toBe(false)
    expect(throttle.shouldTell('hel', TYPING_EVERY_MS)).toBe(true)
    throttle.reset()
    expect(throttle.shouldTell('n', TYPING_EVERY_MS + 1)).toBe(true)
  })
})
