import { describe, expect, it } from 'vitest'

import { ApiError } from '@/lib/api'

import type { Attachment } from './model/types'
import { MOST_FILES, Uploads } from './uploads'

/** A server that takes files one after another when told to. */
class FakeServer {
  readonly begun: string[] = []
  kept: readonly Attachment[] = []
  private readonly waiting: { name: string; resolve(attachment: Attachment): void; reject(error: ApiError): void }[] = []

  readonly ports = {
    send: (file: File) => {
      this.begun.push(file.name)
      const done = new Promise<Attachment>((resolve, reject) => this.waiting.push({ name: file.name, resolve, reject }))
      return { done, cancel: () => undefined }
    },
    keep: (attachments: readonly Attachment[]) => void (this.kept = attachments),
  }

  async answer(refused: (name: string) => boolean = () => false): Promise<void> {
    for (const { name, resolve, reject } of this.waiting.splice(0)) {
      if (refused(name)) reject(new ApiError(413, 'too large'))
      else resolve(attachment(name))
    }
    await new Promise((resolve) => setTimeout(resolve))
  }
}

const attachment = (name: string): Attachment => ({ id: Number(name.replace(/\D/g, '')), name, size: 1, contentType: 'text/plain', inline: false, url: `/${name}`, width: null, height: null })
const files = (count: number): File[] => Array.from({ length: count }, (_, index) => new File(['x'], `file ${index + 1}`))
const names = (of: readonly { readonly name: string }[]): string[] => of.map(({ name }) => name)

describe('chosen files', () => {
  it('that do not fit in one message wait for the next', async () => {
    const server = new FakeServer()
    const uploads = new Uploads(server.ports)
    uploads.add(files(13))
    expect(server.begun).toHaveLength(MOST_FILES)
    expect(uploads.items.filter(({ state }) => state === 'surplus')).toHaveLength(3)
    await server.answer()
    expect(uploads.isBusy.value).toBe(false)
    expect(names(uploads.take())).toHaveLength(MOST_FILES)
    expect(server.begun).toHaveLength(13)
    await server.answer()
    expect(names(uploads.take())).toEqual(['file 11', 'file 12', 'file 13'])
    expect(uploads.items).toEqual([])
  })

  it('that failed stay when the message is sent, and can be tried again', async () => {
    const server = new FakeServer()
    const uploads = new Uploads(server.ports)
    uploads.add(files(2))
    await server.answer((name) => name === 'file 2')
    expect(names(uploads.take())).toEqual(['file 1'])
    expect(uploads.items).toMatchObject([{ name: 'file 2', state: 'failed', error: 'too large' }])
    expect(uploads.hasUnsent).toBe(true)
    uploads.retry(uploads.items[0]!.key)
    await server.answer()
    expect(names(uploads.take())).toEqual(['file 2'])
  })

  it('make room for others when they are removed', async () => {
    const server = new FakeServer()
    const uploads = new Uploads(server.ports)
    uploads.add(files(11))
    await server.answer()
    uploads.remove(uploads.items[0]!.key)
    await server.answer()
    expect(uploads.ready.value).toHaveLength(MOST_FILES)
    expect(uploads.items.every(({ state }) => state === 'done')).toBe(true)
  })

  it('are kept over a reload once the server has them', async () => {
    const server = new FakeServer()
    const uploads = new Uploads(server.ports)
    uploads.add(files(2))
    await server.answer()
    const again = new Uploads(server.ports, server.kept)
    expect(names(again.ready.value)).toEqual(['file 1', 'file 2'])
    again.take()
    expect(server.kept).toEqual([])
  })
})
