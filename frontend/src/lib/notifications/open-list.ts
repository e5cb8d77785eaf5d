/** A list that loads over REST and follows the page's feed. */
import { get } from '@/lib/api'

import type { NotificationFeed } from './feed'
import { NotificationList, type Page } from './list'

export interface OpenList {
  readonly list: NotificationList
  /** Stop following the feed. */
  close(): void
}

export function openList(feed: NotificationFeed, pageSize: number): OpenList {
  const list = new NotificationList((filter, cursor) =>
    get<Page>('notifications/', feed.workspace, {
      limit: String(pageSize),
      ...(filter.unread !== undefined && { unread: filter.unread ? '1' : '0' }),
      ...(filter.kind !== undefined && { kind: filter.kind }),
      ...(cursor !== null && { cursor }),
    }),
  )
  const stops = [
    feed.arrived.add((notification) => list.arrived(notification)),
    feed.changed.add((notification) => list.changed(notification)),
    feed.read.add((ids) => list.read(ids)),
    feed.renewed.add((snapshot) => list.renewed(snapshot)),
  ]
  return { list, close: () => stops.forEach((stop) => stop()) }
}
