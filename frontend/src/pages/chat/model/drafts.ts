/** What was typed and not yet sent: kept in this browser, a text for each room; messages under way for this tab. */
import { readStored, writeStored } from '@/lib/stored'

import type { Pending } from './outbox'

export class Drafts {
  /** For browsers that keep nothing. */
  private readonly texts = new Map<string, string>()

  /** @param prefix names the user and the workspace: another user of this browser sees none of it */
  constructor(private readonly prefix: string) {}

  text(room: string): string {
    return readStored(this.key(room)) ?? this.texts.get(room) ?? ''
  }

  keep(room: string, text: string): void {
    this.texts.set(room, text)
    writeStored(this.key(room), text)
  }

  /** Put a text before what is written already. */
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

/** Messages that were not sent when the page was left: a reload sends them, under the ids they had. */
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
      // Storage is off or full: a reload loses what was not sent, as it would anywhere.
    }
  }
}
