/** Unsent text, stored in this browser for each room; messages being sent, stored for this tab. */
import type { Kept } from '@/lib/kept'
import { readStored, writeStored } from '@/lib/stored'

import type { Pending } from './outbox'

export class Drafts {
  /** What was typed in this tab: another tab may have written something else into the same room. */
  private readonly texts = new Map<string, string>()

  /** @param prefix names the user and the workspace, so that another user of this browser sees none of it */
  constructor(
    private readonly prefix: string,
    private readonly kept: Kept,
  ) {}

  text(room: string): string {
    return this.texts.get(room) ?? this.kept.read<string>(`draft.${room}`) ?? readStored(this.key(room)) ?? ''
  }

  keep(room: string, text: string): void {
    if (text === '') this.texts.delete(room)
    else this.texts.set(room, text)
    this.kept.write(`draft.${room}`, text === '' ? null : text)
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
  /** Whether the browser stores them: if not, they are lost with the page. */
  isStored = true

  constructor(private readonly kept: Kept) {}

  read(): Pending[] {
    const value = this.kept.read<Pending[]>('outbox')
    return Array.isArray(value) ? value : []
  }

  write(pending: readonly Pending[]): void {
    const unsent = pending.filter((one) => one.state !== 'sent')
    this.isStored = this.kept.write('outbox', unsent) || unsent.length === 0
  }
}
