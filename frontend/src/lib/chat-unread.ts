/** The number of unread messages beside "Chat" in the shell: from a chat page in this or another tab, otherwise from the server. */
import { get } from './api'
import { setBadge } from './badges'
import type { Connection } from './socket'
import { isRecord } from './socket/frames'

export interface Unread {
  readonly messages: number
  /** How many of these notify this user: mentions and direct messages. */
  readonly mentions: number
}

export const CHAT_BADGE = 'chat'
const CHANNEL = 'pitwall:chat-unread'
const ASK_EVERY_MS = 60_000
/** Several changes that come together are asked about once. */
const SETTLE_MS = 300

const channelOf = (workspace: string | null): BroadcastChannel => new BroadcastChannel(`${CHANNEL}:${workspace ?? ''}`)

/** For the chat page, which knows the numbers. Returns a function that updates this page and the other tabs. */
export function unreadTeller(workspace: string | null): (unread: Unread) => void {
  const channel = channelOf(workspace)
  return (unread) => {
    show(unread)
    channel.postMessage(unread)
  }
}

/** What the server pushes to all of a user's sockets when something is read, deleted or told. */
const HINTS = ['read_marker', 'new_notification', 'notification_changed', 'notification_read', 'room_joined', 'room_left']

/**
 * For every other page: show the numbers from chat tabs, and ask the server in case no chat tab is open.
 *
 * @param connection any socket of the page: what arrives there may mean that the numbers have changed
 */
export function followUnread(workspace: string | null, connection: Pick<Connection, 'on'>): void {
  channelOf(workspace).onmessage = (event: MessageEvent<Unread>) => show(event.data)
  let timer: ReturnType<typeof setTimeout> | undefined
  for (const hint of HINTS) {
    connection.on(hint, () => {
      clearTimeout(timer)
      timer = setTimeout(ask, SETTLE_MS)
    })
  }
  const ask = (): void => {
    if (document.visibilityState !== 'visible') return
    // If the request fails, keep the present number.
    get<unknown>('rooms/', workspace).then((rooms) => show(count(rooms)), () => undefined)
  }
  document.addEventListener('visibilitychange', ask)
  setInterval(ask, ASK_EVERY_MS)
  ask()
}

function count(answer: unknown): Unread {
  const rooms = Array.isArray(answer) ? answer : isRecord(answer) && Array.isArray(answer.results) ? answer.results : []
  const own = rooms.filter((room): room is Record<string, unknown> => isRecord(room) && room.role !== null)
  const sum = (pick: (room: Record<string, unknown>) => unknown): number => own.reduce((total, room) => total + Number(pick(room) ?? 0), 0)
  return { messages: sum((room) => room.unread), mentions: sum((room) => (room.kind === 'direct' ? room.unread : room.mentions)) }
}

function show({ messages, mentions }: Unread): void {
  setBadge(CHAT_BADGE, mentions > 0 ? mentions : messages, mentions > 0 ? 'accent' : 'plain')
}
