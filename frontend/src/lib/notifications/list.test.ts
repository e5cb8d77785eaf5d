import { describe, expect, it } from 'vitest'

import { NotificationList, type Filter, type Page } from './list'
import type { Notification } from './notification'

function notification(id: number, fields: Partial<Notification> = {}): Notification {
  return { id, kind: 'message', title: `n${id}`, message: '', severity: 'info', link: '', created_at: '2026-11-21T12:00:00Z', read: false, ...fields }
}

/** A server with notifications `1` to `count`, two per page. */
class Server {
  all: Notification[]
  asked: { filter: Filter; cursor: string | null }[] = []
  failing = false
  private held: (() => void)[] | null = null

  constructor(count: number) {
    this.all = Array.from({ length: count }, (_, index) => notification(index + 1))
  }

  readonly load = async (filter: Filter, cursor: string | null): Promise<Page> => {
    this.asked.push({ filter, cursor })
    const before = cursor === null ? Infinity : Number(cursor)
    const found = this.all.filter((item) => item.id < before && (filter.unread !== true || !item.read)).sort((a, b) => b.id - a.id)
    const results = found.slice(0, 2)
    const next = found.length > 2 ? `http://host/api/?cursor=${results.at(-1)!.id}&limit=2` : null
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve))
    if (this.failing) throw new Error('away')
    return { results, next }
  }

  /** Hold back responses from now on; returns a function that releases them. */
  hold(): () => void {
    this.held = []
    return () => {
      for (const resolve of this.held ?? []) resolve()
      this.held = null
    }
  }
}

const ids = (list: NotificationList): number[] => list.items.value.map((item) => item.id)
const unread = (list: NotificationList): number[] => list.items.value.filter((item) => !item.read).map((item) => item.id)

async function shown(server: Server, filter: Filter = {}): Promise<NotificationList> {
  const list = new NotificationList(server.load)
  await list.show(filter)
  return list
}

describe('a list of notifications', () => {
  it('shows the new text of a listed notification, and adds no other', async () => {
    const list = await shown(new Server(5))
    list.changed(notification(4, { title: 'taken back' }))
    list.changed(notification(2))
    expect(list.items.value.map((item) => item.title)).toEqual(['n5', 'taken back'])
  })

  it('loads page by page, newest first, to its end', async () => {
    const server = new Server(5)
    const list = await shown(server)
    expect([ids(list), list.phase.value, list.older.value]).toEqual([[5, 4], 'ready', 'some'])
    await list.loadOlder()
    await list.loadOlder()
    expect([ids(list), list.older.value]).toEqual([[5, 4, 3, 2, 1], 'none'])
    await list.loadOlder()
    expect(server.asked.map(({ cursor }) => cursor)).toEqual([null, '4', '2'])
  })

  it('reports a failed load, and can be loaded again', async () => {
    const server = new Server(3)
    server.failing = true
    const list = await shown(server)
    expect(list.phase.value).toBe('failed')
    server.failing = false
    await list.refresh()
    expect([list.phase.value, ids(list)]).toEqual(['ready', [3, 2]])
    server.failing = true
    await list.loadOlder()
    expect([list.phase.value, list.older.value, ids(list)]).toEqual(['ready', 'failed', [3, 2]])
    server.failing = false
    await list.loadOlder()
    expect(ids(list)).toEqual([3, 2, 1])
  })

  it('keeps what it shows when a later refresh fails', async () => {
    const server = new Server(2)
    const list = await shown(server)
    server.failing = true
    await list.refresh()
    expect([list.phase.value, ids(list)]).toEqual(['ready', [2, 1]])
  })

  it('puts a new notification on top once, however often it is reported', async () => {
    const list = await shown(new Server(2))
    list.arrived(notification(3))
    list.arrived(notification(3))
    expect(ids(list)).toEqual([3, 2, 1])
  })

  it('adds what arrived while its first page was loading', async () => {
    const server = new Server(2)
    const release = server.hold()
    const list = new NotificationList(server.load)
    const showing = list.show({})
    await Promise.resolve()
    list.arrived(notification(3))
    list.read([3])
    release()
    await showing
    expect([ids(list), unread(list)]).toEqual([[3, 2, 1], [2, 1]])
  })

  it('shows only what matches its filter', async () => {
    const list = await shown(new Server(0), { kind: 'mention' })
    list.arrived(notification(1))
    list.arrived(notification(2, { kind: 'mention' }))
    expect(ids(list)).toEqual([2])
    await list.show({ unread: true })
    list.arrived(notification(3, { read: true }))
    list.arrived(notification(4))
    expect(ids(list)).toEqual([4])
  })

  it('drops the response for a filter that is no longer chosen', async () => {
    const server = new Server(4)
    const release = server.hold()
    const list = new NotificationList(server.load)
    const first = list.show({ unread: true })
    const second = list.show({})
    release()
    await Promise.all([first, second])
    expect(ids(list)).toEqual([4, 3])
  })

  it('marks read ones as read and keeps them in place, even among the unread', async () => {
    const list = await shown(new Server(2), { unread: true })
    list.read([1])
    expect([ids(list), unread(list)]).toEqual([[2, 1], [2]])
  })

  it('never marks a read one as unread because of an older response', async () => {
    const server = new Server(2)
    const list = await shown(server)
    list.read([2])
    await list.refresh()
    expect(unread(list)).toEqual([1])
  })
})

describe('after a lost connection', () => {
  it('marks as read what was read while its first page was loading', async () => {
    const server = new Server(2)
    const answer = server.hold()
    const list = new NotificationList(server.load)
    const showing = list.show({})
    list.read([1, 2])
    answer()
    await showing
    expect([ids(list), unread(list)]).toEqual([[2, 1], []])
  })

  it('knows from the snapshot what was read elsewhere and what came', async () => {
    const list = await shown(new Server(2))
    list.renewed({ unread: [notification(3), notification(1)], unreadCount: 2 })
    expect([ids(list), unread(list)]).toEqual([[3, 2, 1], [3, 1]])
  })

  it('does not change those older than the snapshot', async () => {
    const list = await shown(new Server(2))
    list.renewed({ unread: [notification(4)], unreadCount: 30 })
    expect([ids(list), unread(list)]).toEqual([[4, 2, 1], [4, 2, 1]])
  })

  it('starts again from the top if more arrived than a page holds', async () => {
    const server = new Server(3)
    const list = await shown(server)
    server.all = new Server(9).all.map((item) => ({ ...item, read: true }))
    list.renewed({ unread: [], unreadCount: 0 })
    await new Promise((resolve) => setTimeout(resolve))
    expect(ids(list)).toEqual([9, 8])
    await list.loadOlder()
    expect(ids(list)).toEqual([9, 8, 7, 6])
  })

  it('leaves no gap between the list and older ones in the snapshot', async () => {
    const list = await shown(new Server(6))
    list.renewed({ unread: [notification(6), notification(5), notification(1)], unreadCount: 3 })
    expect(ids(list)).toEqual([6, 5])
    await list.loadOlder()
    expect(ids(list)).toEqual([6, 5, 4, 3])
  })
})
