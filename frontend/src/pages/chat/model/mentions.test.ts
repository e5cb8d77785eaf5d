import { describe, expect, it } from 'vitest'

import { complete, matching, mentionAt } from './mentions'

const typed = (text: string): string | null => mentionAt(text, text.length)?.text ?? null

describe('mentions', () => {
  it('are completed after an @ at the caret', () => {
    expect(typed('@')).toBe('')
    expect(typed('ask @al')).toBe('al')
    expect(typed('(@al')).toBe('al')
    expect(typed('你好@al')).toBe('al')
    expect(typed('看＠小')).toBe('小')
    expect(mentionAt('hi @bo there', 6)).toEqual({ start: 3, end: 6, text: 'bo' })
  })

  it('are not found in addresses, in paths, or after a finished word', () => {
    expect(typed('mail@exam')).toBeNull()
    expect(typed('a/@b')).toBeNull()
    expect(typed('@al ')).toBeNull()
    expect(typed('plain')).toBeNull()
  })

  it('offer names that begin with the typed text before those that contain it', () => {
    const people = ['carla', 'alice', 'bob', 'Alan'].map((username) => ({ username }))
    expect(matching(people, 'al').map(({ username }) => username)).toEqual(['alice', 'Alan'])
    expect(matching(people, 'a').map(({ username }) => username)).toEqual(['alice', 'Alan', 'carla'])
    expect(matching(people, '')).toHaveLength(4)
  })

  it('offer people by their real names too, whatever their case and accents', () => {
    const people = [{ username: 'jd', name: 'José Díaz' }, { username: 'Émile', name: '' }, { username: 'diaz', name: '' }]
    const offered = (text: string): string[] => matching(people, text).map(({ username }) => username)
    expect(offered('diaz')).toEqual(['diaz', 'jd'])
    expect(offered('jose')).toEqual(['jd'])
    expect(offered('emile')).toEqual(['Émile'])
    expect(offered('e')).toEqual(['Émile', 'jd'])
  })

  it('are completed with a space, and not with two', () => {
    expect(complete('hi @bo', { start: 3, end: 6, text: 'bo' }, 'bob')).toEqual({ text: 'hi @bob ', caret: 8 })
    expect(complete('hi @bo there', { start: 3, end: 6, text: 'bo' }, 'bob')).toEqual({ text: 'hi @bob there', caret: 8 })
  })
})
