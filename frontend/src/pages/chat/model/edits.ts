/** Messages that are being edited, with what was typed: kept until it is saved or discarded, wherever one goes meanwhile. */
import { reactive, shallowReactive } from 'vue'

import type { Message } from './types'

export interface Edit {
  readonly room: string
  readonly messageId: number
  readonly sequence: number
  /** The message when the edit began. */
  readonly before: string
  readonly text: string
}

export interface EditStore {
  read(): readonly Edit[]
  write(edits: readonly Edit[]): void
}

export class Edits {
  /** The edits under way by message. */
  readonly all = shallowReactive(new Map<number, Edit>())
  /** The messages whose editor is in view. */
  readonly inView = reactive(new Set<number>())
  /** The message whose editor gets the focus, because the user has just begun. */
  begun: number | null = null

  constructor(private readonly store: EditStore) {
    for (const edit of store.read()) this.all.set(edit.messageId, edit)
  }

  begin(room: string, message: Message): void {
    this.begun = message.messageId
    if (this.all.has(message.messageId)) return
    this.set({ room, messageId: message.messageId, sequence: message.sequence, before: message.text, text: message.text })
  }

  type(messageId: number, text: string): void {
    const edit = this.all.get(messageId)
    if (edit) this.set({ ...edit, text })
  }

  /** The edit is saved or discarded. Returns it if it would have changed the message. */
  end(messageId: number): Edit | null {
    const edit = this.all.get(messageId)
    if (!edit) return null
    this.all.delete(messageId)
    this.inView.delete(messageId)
    this.store.write([...this.all.values()])
    return edit.text === edit.before || edit.text.trim() === '' ? null : edit
  }

  /** Take back an edit that was discarded. */
  restore(edit: Edit): void {
    this.begun = edit.messageId
    this.set(edit)
  }

  of(room: string): Edit[] {
    return [...this.all.values()].filter((edit) => edit.room === room)
  }

  /**
   * End the edits of messages that are gone. Returns those with changes.
   *
   * @param messages an unbroken run of the room's messages; `hasOlder`: whether there are messages before it
   */
  withdraw(room: string, messages: readonly Message[], hasOlder: boolean): Edit[] {
    const first = messages[0]?.sequence ?? Infinity
    const gone = this.of(room).filter(({ messageId, sequence }) => {
      const message = messages.find((one) => one.messageId === messageId)
      return message ? message.deleted : !hasOlder && sequence < first
    })
    return gone.flatMap(({ messageId }) => this.end(messageId) ?? [])
  }

  private set(edit: Edit): void {
    this.all.set(edit.messageId, edit)
    this.store.write([...this.all.values()])
  }
}
