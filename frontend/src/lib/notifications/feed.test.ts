import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { World } from '@/lib/socket/testing'

import { NotificationFeed, type Told } from './feed'
import type { Snapshot } from './notification'

const NEW = { id: 7, kind: 'message', title: 'Box', message: '', severity: 'info', link: '', created_at: '2026-11-21T12:00:00Z', read: false }

function begun() {
  const world = new World()
  const feed = new NotificationFeed(world.connection, 'main')
  const seen = { counts: [] as number[], arrived: [] as number[], changed: [] as string[], read: [] as number[], snapshots: [] as Snapshot[], told: [] as Told[] }
  feed.counted.add((count) => seen.counts.push(count))
  feed.arrived.add(({ id }) => seen.arrived.push(id))
  feed.changed.add(({ message }) => seen.changed.push(message))
  feed.read.add((ids) => seen.read.push(...ids))
  feed.renewed.add((snapshot) => seen.snapshots.push(snapshot))
  feed.told.add((told) => seen.told.push(told))
  world.connection.start()
  world.server.greet()
  return { world, feed, seen }
}

const snapshot = (offset: number, data: object[] = [], count = data.length) => ({ type: 'initial_data', data, unread_count: count, epoch: 'e', offset })
const event = (offset: number, fields: object) => ({ stream: 'notifications', epoch: 'e', offset, ...fields })

describe('the feed of notifications', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('begins with the snapshot and goes on with the events', () => {
    const { world, feed, seen } = begun()
    expect(feed.unreadCount).toBeNull()
    world.server.push(snapshot(4, [NEW], 3))
    world.server.push(event(5, { type: 'new_notification', data: { ...NEW, id: 8 }, unread_count: 4 }))
    world.server.push(event(6, { type: 'notification_read', ids: [7, 8], unread_count: 2 }))
    expect(seen).toMatchObject({ counts: [3, 4, 2], arrived: [8], read: [7, 8] })
    expect(feed.unreadCount).toBe(2)
  })

  it('reports the new text of a notification whose text was removed', () => {
    const { world, seen } = begun()
    world.server.push(snapshot(4, [{ ...NEW, message: 'secret' }], 1))
    world.server.push(event(5, { type: 'notification_changed', data: NEW, unread_count: 1 }))
    expect(seen).toMatchObject({ counts: [1, 1], arrived: [], changed: [''] })
  })

  it('takes no event twice, and requests missing ones', () => {
    const { world, seen } = begun()
    world.server.push(snapshot(4))
    world.server.push(event(4, { type: 'new_notification', data: NEW, unread_count: 1 }))
    world.server.push(event(6, { type: 'notification_read', ids: [7], unread_count: 0 }))
    expect(seen).toMatchObject({ arrived: [], read: [] })
    expect(world.server.sent('subscribe')).toMatchObject([{ recover: { notifications: { epoch: 'e', offset: 4 } } }])
  })

  it('is renewed by the snapshot of each connection', () => {
    const { world, seen } = begun()
    world.server.push(snapshot(1, [NEW]))
    world.server.close(1006)
    world.passUntilRetry()
    world.server.greet()
    world.server.push(snapshot(9))
    expect(seen.snapshots.map(({ unreadCount }) => unreadCount)).toEqual([1, 0])
    expect(seen.counts).toEqual([1, 0])
  })

  it('requests the snapshot if none came', () => {
    const { world } = begun()
    vi.advanceTimersByTime(5_000)
    expect(world.server.sent('subscribe')).toHaveLength(1)
    world.server.push(snapshot(0))
    vi.advanceTimersByTime(60_000)
    expect(world.server.sent('subscribe')).toHaveLength(1)
  })

  it("distinguishes announcements from people's messages", () => {
    const { world, seen } = begun()
    world.server.push({ type: 'system_notification', message: 'Closing', severity: 'critical' })
    world.server.push({ type: 'user_message', from: { id: 2, username: 'bob' }, message: 'Lunch' })
    world.server.push({ type: 'user_message', from: null, message: 'Hello' })
    expect(seen.told).toEqual([
      { from: null, message: 'Closing', severity: 'critical' },
      { from: 'bob', message: 'Lunch', severity: 'info' },
      { from: null, message: 'Hello', severity: 'info' },
    ])
  })
})
