/** The REST requests of the chat page. Every function raises ApiError. */
import { get, send, upload, type Upload } from '@/lib/api'

import type { Attachment, Message, Role, RoomInfo } from './model/types'
import type { ReadState } from './model/unread'
import { attachmentOf, listOf, messageOf, numberOf, readStateOf, recordOf, roomOf, textOf, timeOf } from './model/wire'

type Fields = Readonly<Record<string, unknown>>

export interface ListedRoom {
  readonly info: RoomInfo
  readonly counts: ReadState
}

export interface Person {
  readonly userId: number
  readonly username: string
  /** The display name; may be empty. */
  readonly name: string
}

/** A search result; `ranges` are the start and end of each match in `excerpt`, in Unicode code points. */
export interface Found {
  readonly message: Message
  readonly room: string
  readonly excerpt: string
  readonly ranges: readonly (readonly [number, number])[]
}

export interface Revision {
  readonly text: string
  readonly until: number | null
}

export interface SearchPage {
  readonly results: readonly Found[]
  readonly next: string | null
}

export class ChatApi {
  constructor(private readonly workspace: string | null) {}

  async rooms(): Promise<ListedRoom[]> {
    const answer = await get<unknown>('rooms/', this.workspace)
    return pageOf(answer).map((fields) => ({ info: roomOf(fields), counts: readStateOf(fields) }))
  }

  async people(): Promise<Person[]> {
    return pageOf(await get<unknown>('users/', this.workspace)).map((fields) => ({ userId: numberOf(fields.id), username: textOf(fields.username), name: textOf(fields.name) }))
  }

  async createRoom(fields: { name: string; kind: string; topic: string }): Promise<string> {
    return textOf(recordOf(await send('POST', 'rooms/', this.workspace, fields)).slug)
  }

  async changeRoom(slug: string, fields: object): Promise<void> {
    await send('PATCH', `rooms/${slug}/`, this.workspace, fields)
  }

  async deleteRoom(slug: string): Promise<void> {
    await send('DELETE', `rooms/${slug}/`, this.workspace)
  }

  async addMember(slug: string, userId: number, role: Role): Promise<void> {
    await send('POST', `rooms/${slug}/members/`, this.workspace, { user_id: userId, role })
  }

  async changeMember(slug: string, userId: number, fields: object): Promise<void> {
    await send('PATCH', `rooms/${slug}/members/${userId}/`, this.workspace, fields)
  }

  async removeMember(slug: string, userId: number): Promise<void> {
    await send('DELETE', `rooms/${slug}/members/${userId}/`, this.workspace)
  }

  /** The earlier texts of a message, oldest first. */
  async revisions(messageId: number): Promise<Revision[]> {
    const answer = await get<unknown>(`messages/${messageId}/revisions/`, this.workspace)
    return pageOf(answer).map((fields) => ({ text: textOf(fields.text ?? fields.message), until: timeOf(fields.replaced_at) }))
  }

  /** A text rendered by the server. */
  async preview(text: string): Promise<string> {
    return textOf(recordOf(await send('POST', 'messages/preview/', this.workspace, { text })).html)
  }

  async search(query: string, cursor: string | null): Promise<SearchPage> {
    const answer = cursor === null ? await get<Fields>('search/messages/', this.workspace, { q: query, timezone: ownTimezone() }) : await follow(cursor)
    return { results: pageOf(answer).map(foundOf), next: textOf(recordOf(answer).next) || null }
  }

  attach(slug: string, file: File, progress: (share: number) => void): Upload<Attachment> {
    const form = new FormData()
    form.set('room', slug)
    form.set('file', file)
    const sending = upload<Fields>('attachments/', this.workspace, form, progress)
    return { done: sending.done.then(attachmentOf), cancel: sending.cancel }
  }
}

function foundOf(fields: Fields): Found {
  const excerpt = recordOf(fields.excerpt)
  const ranges = Array.isArray(excerpt.ranges) ? (excerpt.ranges as [number, number][]) : []
  return { message: messageOf(fields), room: textOf(fields.room), excerpt: textOf(excerpt.text), ranges }
}

/** The time zone for dates in a query. */
const ownTimezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** The items of a plain list, or the results of a page. */
function pageOf(answer: unknown): Fields[] {
  return Array.isArray(answer) ? listOf(answer) : listOf(recordOf(answer).results)
}

/** Load the next page from the address in the server's response. */
async function follow(address: string): Promise<Fields> {
  const url = new URL(address, location.href)
  const path = url.pathname.replace(/^\/api\/v1\//, '')
  return get<Fields>(path, null, Object.fromEntries(url.searchParams))
}
