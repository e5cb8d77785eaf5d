/**
 * Messages being sent: displayed immediately, sent in order, and sent again under the same id after a reconnect.
 *
 * Pure: the network, the clock and the ids are passed in.
 */
import { reconnectDelay } from '@/lib/socket/backoff'
import { CommandError } from '@/lib/socket/commands'
import type { Frame } from '@/lib/socket/frames'

import type { Attachment, CardReference, Quote } from './types'

export interface Draft {
  readonly room: string
  readonly text: string
  readonly replyTo: number | null
  readonly reply: Quote | null
  readonly attachments: readonly Attachment[]
  readonly card: CardReference | null
}

export interface Pending extends Draft {
  readonly clientMessageId: string
  readonly at: number
  /** `sent`: the server has acknowledged it, but the `chat_message` has not arrived yet. */
  readonly state: 'waiting' | 'sending' | 'sent' | 'failed'
  /** The server's reason for a failure. */
  readonly error: string
  /** It mentions more people than the server allows without a confirmation. */
  readonly canConfirm: boolean
  readonly confirm: boolean
  readonly sequence: number | null
}

export interface OutboxPorts {
  /** Send a command; rejects with CommandError. */
  send(fields: Readonly<Record<string, unknown>>): Promise<Frame>
  now(): number
  newId(): string
  random(): number
  later(delayMs: number, run: () => void): void
  /** The list has changed. */
  changed(all: readonly Pending[]): void
}

/** Temporary errors. */
const PASSING = new Set(['rate_limited', 'unavailable', 'internal', 'timeout'])
const LEAST_PAUSE_MS = 1_000
const CALLS_ALL = /[@＠]all\b/i

export class Outbox {
  private all: readonly Pending[] = []
  private connected = false
  private sending = false
  /** Consecutive temporary failures. */
  private failures = 0
  /** Set while nothing is sent after a temporary failure. */
  private pause: object | null = null

  constructor(
    private readonly ports: OutboxPorts,
    restored: readonly Pending[] = [],
  ) {
    this.all = restored.filter((one) => one.state !== 'sent').map((one) => (one.state === 'failed' ? one : { ...one, state: 'waiting' }))
  }

  get pending(): readonly Pending[] {
    return this.all
  }

  add(draft: Draft): void {
    const made: Pending = { ...draft, clientMessageId: this.ports.newId(), at: this.ports.now(), state: 'waiting', error: '', canConfirm: false, confirm: false, sequence: null }
    this.replace([...this.all, made])
    void this.flush()
  }

  /** @param confirm send it even though it mentions many people */
  retry(clientMessageId: string, confirm = false): void {
    this.update(clientMessageId, { state: 'waiting', error: '', confirm })
    void this.flush()
  }

  discard(clientMessageId: string): void {
    this.replace(this.all.filter((one) => one.clientMessageId !== clientMessageId))
  }

  connectionChanged(connected: boolean): void {
    this.connected = connected
    this.pause = null
    this.failures = 0
    if (connected) void this.flush()
  }

  /** A message has arrived in the room: if it is one of these, remove it. */
  arrived(room: string, sequence: number, clientMessageId: string | null): void {
    const left = this.all.filter(
      (one) => one.room !== room || (one.clientMessageId !== clientMessageId && (one.sequence === null || one.sequence !== sequence)),
    )
    if (left.length < this.all.length) this.replace(left)
  }

  /** The room shows messages up to `newest`: remove acknowledged ones up to there. */
  covered(room: string, newest: number): void {
    const left = this.all.filter((one) => one.room !== room || one.sequence === null || one.sequence > newest)
    if (left.length < this.all.length) this.replace(left)
  }

  /** Send one after another, so that they stay in order whatever fails. */
  private async flush(): Promise<void> {
    if (this.sending) return
    this.sending = true
    for (let next = this.next(); next !== undefined; next = this.next()) {
      if (!(await this.transmit(next))) break
    }
    this.sending = false
  }

  private next(): Pending | undefined {
    return this.connected && this.pause === null ? this.all.find((one) => one.state === 'waiting') : undefined
  }

  /** Returns false if nothing more can be sent for now. */
  private async transmit(one: Pending): Promise<boolean> {
    this.update(one.clientMessageId, { state: 'sending' })
    try {
      const ack = await this.ports.send(fieldsOf(one))
      this.failures = 0
      this.update(one.clientMessageId, { state: 'sent', sequence: Number(ack.sequence) })
      return true
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      return this.refused(one, error)
    }
  }

  private refused(one: Pending, error: CommandError): boolean {
    if (error.code === 'disconnected' || PASSING.has(error.code)) {
      this.update(one.clientMessageId, { state: 'waiting' })
      if (error.code !== 'disconnected') this.waitBeforeNext(error.retryAfterMs ?? LEAST_PAUSE_MS)
      return false
    }
    this.failures = 0
    this.update(one.clientMessageId, { state: 'failed', error: error.message, canConfirm: error.code === 'conflict' && CALLS_ALL.test(one.text) })
    return true
  }

  private waitBeforeNext(leastMs: number): void {
    const pause = (this.pause = {})
    const delay = reconnectDelay(this.failures, this.ports.random(), leastMs)
    this.failures += 1
    this.ports.later(delay, () => {
      if (this.pause !== pause) return
      this.pause = null
      void this.flush()
    })
  }

  private update(clientMessageId: string, change: Partial<Pending>): void {
    if (!this.all.some((one) => one.clientMessageId === clientMessageId)) return
    this.replace(this.all.map((one) => (one.clientMessageId === clientMessageId ? { ...one, ...change } : one)))
  }

  private replace(all: readonly Pending[]): void {
    this.all = all
    this.ports.changed(all)
  }
}

function fieldsOf(one: Pending): Record<string, unknown> {
  return {
    room: one.room,
    text: one.text,
    client_message_id: one.clientMessageId,
    ...(one.replyTo !== null && { reply_to: one.replyTo }),
    ...(one.attachments.length > 0 && { attachments: one.attachments.map((attachment) => attachment.id) }),
    ...(one.confirm && { confirm: true }),
    ...(one.card && { card: { kind: one.card.kind, reference: one.card.reference } }),
  }
}
