import { describe, expect, it } from 'vitest'

import { Posting } from './posting'

/** A room that reports whether a post succeeded. */
function begun() {
  const posts: { room: string; id: string; done: () => void; fail: () => void }[] = []
  const posting = new Posting((room, id) => new Promise((done, fail) => posts.push({ room, id, done, fail: () => fail(new Error('lost')) })))
  posting.begin()
  return { posting, posts }
}

describe('posting a metric to a room', () => {
  it('sends one message for two quick clicks', async () => {
    const { posting, posts } = begun()
    const clicks = [posting.to('ops'), posting.to('ops')]
    expect(posts).toHaveLength(1)
    posts[0]!.done()
    await Promise.all(clicks)
    expect(posts).toHaveLength(1)
  })

  it('sends the same message again after a failure, and another one the next time it is opened', async () => {
    const { posting, posts } = begun()
    const first = posting.to('ops')
    posts[0]!.fail()
    await expect(first).rejects.toThrow('lost')
    const second = posting.to('ops')
    posts[1]!.done()
    await second
    const elsewhere = posting.to('pit')
    posts[2]!.done()
    await elsewhere
    posting.begin()
    void posting.to('ops')
    expect(posts[1]!.id).toBe(posts[0]!.id)
    expect(new Set(posts.map(({ id }) => id)).size).toBe(3)
  })
})
