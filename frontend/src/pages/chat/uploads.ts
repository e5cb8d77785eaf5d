/** Files for the next message: each is uploaded immediately and waits for the message to be sent. */
import { computed, reactive, type ComputedRef } from 'vue'

import { ApiError } from '@/lib/api'

import type { Attachment } from './model/types'
import type { ChatApi } from './rest'

export interface UploadItem {
  readonly key: number
  readonly name: string
  readonly size: number
  /** 0 to 1. */
  share: number
  attachment: Attachment | null
  /** The server's reason for a failure; empty if the server could not be reached. */
  error: string | null
}

/** The server accepts no more files in one message. */
const MOST = 10
let lastKey = 0
const nextKey = (): number => (lastKey += 1)

export class Uploads {
  readonly items: UploadItem[] = reactive([])
  readonly isBusy: ComputedRef<boolean> = computed(() => this.items.some((item) => item.attachment === null && item.error === null))
  readonly ready: ComputedRef<Attachment[]> = computed(() => this.items.flatMap((item) => item.attachment ?? []))
  private readonly cancels = new Map<number, () => void>()

  constructor(
    private readonly api: ChatApi,
    private readonly room: string,
  ) {}

  add(files: readonly File[]): void {
    for (const file of files.slice(0, MOST - this.items.length)) void this.start(file)
  }

  /** Restore the files of an unsent message; the server already has them. */
  putBack(attachments: readonly Attachment[]): void {
    for (const attachment of attachments) this.items.push({ key: nextKey(), name: attachment.name, size: attachment.size, share: 1, attachment, error: null })
  }

  remove(key: number): void {
    this.cancels.get(key)?.()
    this.cancels.delete(key)
    const at = this.items.findIndex((item) => item.key === key)
    if (at >= 0) this.items.splice(at, 1)
  }

  /** Return the files for the message that is sent now, and empty the tray. */
  take(): Attachment[] {
    const taken = this.ready.value
    this.items.splice(0)
    return taken
  }

  private async start(file: File): Promise<void> {
    const key = nextKey()
    this.items.push({ key, name: file.name, size: file.size, share: 0, attachment: null, error: null })
    const item = this.items.find((one) => one.key === key)!
    const sending = this.api.attach(this.room, file, (share) => (item.share = share))
    this.cancels.set(key, sending.cancel)
    try {
      item.attachment = await sending.done
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      item.error = error.status === 0 ? '' : error.message
    } finally {
      this.cancels.delete(key)
    }
  }
}
