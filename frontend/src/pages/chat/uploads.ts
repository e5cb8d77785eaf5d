/** Files for the next message: each is uploaded immediately and waits for the message to be sent. */
import { computed, reactive, type ComputedRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Upload } from '@/lib/api'

import type { Attachment } from './model/types'

export interface UploadItem {
  readonly key: number
  readonly name: string
  readonly size: number
  /** `surplus`: it does not fit in this message any more, and waits for the next one. */
  state: 'sending' | 'done' | 'failed' | 'surplus'
  /** 0 to 1. */
  share: number
  attachment: Attachment | null
  /** The server's reason for a failure; empty if the server could not be reached. */
  error: string
}

export interface UploadPorts {
  send(file: File, progress: (share: number) => void): Upload<Attachment>
  /** Keep the files that the server has over a reload. */
  keep(attachments: readonly Attachment[]): void
}

/** The server accepts no more files in one message. */
export const MOST_FILES = 10
let lastKey = 0
const nextKey = (): number => (lastKey += 1)

export class Uploads {
  readonly items: UploadItem[] = reactive([])
  readonly isBusy: ComputedRef<boolean> = computed(() => this.items.some((item) => item.state === 'sending'))
  /** The files of the next message. */
  readonly ready: ComputedRef<Attachment[]> = computed(() => this.items.flatMap((item) => item.attachment ?? []).slice(0, MOST_FILES))
  private readonly cancels = new Map<number, () => void>()
  private readonly files = new Map<number, File>()

  /** @param kept files from before a reload */
  constructor(
    private readonly ports: UploadPorts,
    kept: readonly Attachment[] = [],
  ) {
    this.putBack(kept)
  }

  /** Whether there are files that the server does not have: they would be lost with the page. */
  get hasUnsent(): boolean {
    return this.items.some((item) => item.attachment === null)
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      const key = nextKey()
      this.files.set(key, file)
      this.items.push({ key, name: file.name, size: file.size, state: 'surplus', share: 0, attachment: null, error: '' })
    }
    this.fill()
  }

  /** Restore the files of an unsent message; the server already has them. */
  putBack(attachments: readonly Attachment[]): void {
    for (const attachment of attachments) this.items.push({ key: nextKey(), name: attachment.name, size: attachment.size, state: 'done', share: 1, attachment, error: '' })
    this.keep()
  }

  remove(key: number): void {
    this.cancels.get(key)?.()
    this.cancels.delete(key)
    this.files.delete(key)
    const at = this.items.findIndex((item) => item.key === key)
    if (at >= 0) this.items.splice(at, 1)
    this.keep()
    this.fill()
  }

  /** Upload a file again. */
  retry(key: number): void {
    const item = this.items.find((one) => one.key === key)
    if (item?.state !== 'failed') return
    item.state = 'surplus'
    this.fill()
  }

  /** Return the files for the message that is sent now. Failed ones and those that did not fit stay. */
  take(): Attachment[] {
    const taken = this.ready.value
    const ids = new Set(taken.map(({ id }) => id))
    const left = this.items.filter((item) => item.attachment === null || !ids.has(item.attachment.id))
    this.items.splice(0, this.items.length, ...left)
    this.keep()
    this.fill()
    return taken
  }

  /** Begin to upload as many as fit in the message. */
  private fill(): void {
    const used = this.items.filter((item) => item.state === 'sending' || item.state === 'done').length
    const waiting = this.items.filter((item) => item.state === 'surplus')
    for (const item of waiting.slice(0, Math.max(0, MOST_FILES - used))) void this.start(item)
  }

  private async start(item: UploadItem): Promise<void> {
    const file = this.files.get(item.key)
    if (!file) return
    item.state = 'sending'
    item.share = 0
    const sending = this.ports.send(file, (share) => (item.share = share))
    this.cancels.set(item.key, sending.cancel)
    try {
      item.attachment = await sending.done
      item.state = 'done'
      this.files.delete(item.key)
      this.keep()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      item.error = error.status === 0 ? '' : error.message
      item.state = 'failed'
      this.fill()
    } finally {
      this.cancels.delete(item.key)
    }
  }

  private keep(): void {
    this.ports.keep(this.items.flatMap((item) => item.attachment ?? []))
  }
}
