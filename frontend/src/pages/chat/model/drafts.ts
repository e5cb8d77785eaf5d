/** Unsent text, stored in this browser for each room; messages being sent, stored for this tab. */
import { readStored, writeStored } from '@/lib/stored'

import type { Pending } from './outbox'

export class Drafts {
  /** For browsers without storage. */
  private readonly texts = new Map<string, string>()

  /** @param prefix names the user and the workspace, so that another user of this browser sees none of it */
  constructor(private readonly prefix: string) {}

  text(room: string): string {
    return readStored(this.key(room)) ?? this.texts.get(room) ?? ''
  }

  keep(room: string, text: string): void {
    this.texts.set(room, text)
    writeStored(this.key(room), text)
  }

  /** Put a text in front of the existing draft. */
  putBack(room: string, text: string): void {
    this.keep(room, [text, this.text(room)].filter(Boolean).join('\n'))
  }

  has(room: string): boolean {
    return this.text(room).trim() !== ''
  }

  private key(room: string): string {
    return `${this.prefix}.draft.${room}`
  }
}

/** Messages that were unsent when the page was left: after a reload they are sent under the same ids. */
export class StoredOutbox {
  constructor(private readonly key: string) {}

  read(): Pending[] {
    try {
      const value: unknown = JSON.parse(sessionStorage.getItem(this.key) ?? '[]')
      return Array.isArray(value) ? (value as Pending[]) : []
    } catch {
      return []
    }
  }

  write(pending: readonly Pending[]): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(pending.filter((one) => one.state !== 'sent')))
    } catch {
      // Storage is disabled or full: unsent messages do not survive a reload.
    }
  }
}
