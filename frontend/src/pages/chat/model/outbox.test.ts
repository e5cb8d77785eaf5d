import { beforeEach, describe, expect, it } from 'vitest'

import { CommandError } from '@/lib/socket/commands'
import type { Frame } from '@/lib/socket/frames'

import { Outbox, type Draft } from './outbox'

interface Sent {
  readonly fields: Readonly<Record<string, unknown>>
  answer(fields: object): void
  refuse(code: string, message?: string): void
}

const draft = (text: string, fields: Partial<Draft> = {}): Draft => ({ room: 'ops', text, replyTo: null, reply: null, attachments: [], card: null, ...fields })

describe('the outbox', () => {
  let sent: Sent[]
  let later: (() => void)[]
  let pauses: number[]
  let outbox: Outbox
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }
  const states = (): string[] => outbox.pending.map((one) => `${one.text}: ${one.state}`)

  beforeEach(() => {
    sent = []
    later = []
    pauses = []
    let id = 0
    outbox = new Outbox({
      send: (fields) =>
        new Promise<Frame>((resolve, reject) => {
          sent.push({
            fields,
            answer: (more) => resolve({ type: 'ack', ...more }),
            refuse: (code, message = '') => reject(new CommandError(code, message)),
          })
        }),
      now: () => 0,
      newId: () => `c${(id += 1)}`,
      random: () => 0.5,
      later: (delayMs, run) => {
        pauses.push(delayMs)
        later.push(run)
      },
      changed: () => undefined,
    })
  })

  it('shows a message before the server has it, and removes it when it comes back', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('hello'))
    expect(states()).toEqual(['hello: sending'])
    expect(sent[0]!.fields).toEqual({ room: 'ops', text: 'hello', client_message_id: 'c1' })
    sent[0]!.answer({ sequence: 7, message_id: 1 })
    await settled()
    expect(states()).toEqual(['hello: sent'])
    outbox.arrived('ops', 7, 'c1')
    expect(states()).toEqual([])
  })

  it('removes a message that comes back before its ack', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('hello'))
    outbox.arrived('ops', 7, 'c1')
    sent[0]!.answer({ sequence: 7, message_id: 1 })
    await settled()
    expect(states()).toEqual([])
  })

  it('sends one after another, in the order in which they were written', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    outbox.add(draft('two'))
    expect(sent.map(({ fields }) => fields.text)).toEqual(['one'])
    sent[0]!.answer({ sequence: 1 })
    await settled()
    expect(sent.map(({ fields }) => fields.text)).toEqual(['one', 'two'])
  })

  it('sends again under the same id when the connection broke before the ack', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('hello'))
    outbox.connectionChanged(false)
    sent[0]!.refuse('disconnected')
    await settled()
    expect(states()).toEqual(['hello: waiting'])
    outbox.connectionChanged(true)
    expect(sent.map(({ fields }) => fields.client_message_id)).toEqual(['c1', 'c1'])
  })

  it('keeps what is written without a connection until there is one', () => {
    outbox.add(draft('hello'))
    expect(sent).toEqual([])
    outbox.connectionChanged(true)
    expect(sent).toHaveLength(1)
  })

  it('waits and tries again when the server is busy, and keeps the order', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    outbox.add(draft('two'))
    sent[0]!.refuse('rate_limited')
    await settled()
    expect(states()).toEqual(['one: waiting', 'two: waiting'])
    later.forEach((run) => run())
    expect(sent.map(({ fields }) => fields.text)).toEqual(['one', 'one'])
  })

  it('waits longer after each failure, and new messages wait for their turn', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    for (let failed = 1; failed <= 6; failed += 1) {
      expect(sent).toHaveLength(failed)
      sent.at(-1)!.refuse('internal')
      await settled()
      outbox.add(draft('more'))
      later.at(-1)!()
    }
    expect(pauses).toEqual([1_250, 1_500, 2_000, 3_000, 5_000, 9_000])
    sent.at(-1)!.answer({ sequence: 1 })
    await settled()
    sent.at(-1)!.refuse('internal')
    await settled()
    expect(pauses.at(-1)).toBe(1_250)
  })

  it('tries immediately on a new connection, and ignores the pause of the old one', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    sent[0]!.refuse('internal')
    await settled()
    outbox.connectionChanged(false)
    outbox.connectionChanged(true)
    expect(sent).toHaveLength(2)
    sent[1]!.refuse('internal')
    await settled()
    later[0]!()
    expect(sent).toHaveLength(2)
    later[1]!()
    expect(sent).toHaveLength(3)
  })

  it('can discard a message that waits for its turn', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    sent[0]!.refuse('internal')
    await settled()
    outbox.discard('c1')
    later[0]!()
    expect(sent).toHaveLength(1)
    expect(states()).toEqual([])
  })

  it('reports why a message was refused, continues with the next, and sends it again when asked to', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('one'))
    outbox.add(draft('two'))
    sent[0]!.refuse('permission_denied', 'You are muted.')
    await settled()
    expect(outbox.pending[0]).toMatchObject({ state: 'failed', error: 'You are muted.' })
    expect(sent[1]!.fields.text).toBe('two')
    sent[1]!.answer({ sequence: 1 })
    await settled()
    outbox.retry('c1')
    expect(sent[2]!.fields).toMatchObject({ text: 'one', client_message_id: 'c1' })
  })

  it('confirms a mention of everybody only when told to', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('@all lunch'))
    sent[0]!.refuse('conflict', 'This calls 30 people.')
    await settled()
    expect(outbox.pending[0]!.canConfirm).toBe(true)
    outbox.retry('c1', true)
    expect(sent[1]!.fields).toMatchObject({ confirm: true, client_message_id: 'c1' })
  })

  it('sends unsent messages after a reload', () => {
    outbox.add(draft('hello'))
    const restored = new Outbox({ send: (fields) => new Promise(() => sent.push({ fields, answer: () => undefined, refuse: () => undefined })), now: () => 0, newId: () => 'x', random: () => 0.5, later: () => undefined, changed: () => undefined }, outbox.pending)
    restored.connectionChanged(true)
    expect(sent[0]!.fields).toMatchObject({ text: 'hello', client_message_id: 'c1' })
  })

  it('removes messages that the room already shows', async () => {
    outbox.connectionChanged(true)
    outbox.add(draft('hello'))
    sent[0]!.answer({ sequence: 7 })
    await settled()
    outbox.covered('ops', 6)
    expect(states()).toEqual(['hello: sent'])
    outbox.covered('ops', 7)
    expect(states()).toEqual([])
  })
})
