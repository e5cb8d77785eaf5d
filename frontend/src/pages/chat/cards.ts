/** The live cards in view: their states, updated by the server while they are displayed. */
import { reactive, shallowReactive } from 'vue'

import { CommandError, type Connection, type Frame } from '@/lib/socket'

import type { CardReference, CardState } from './model/types'
import { cardStateOf, listOf, textOf } from './model/wire'

/** Cards that scroll into view together are requested together. */
const GATHER_MS = 120
const MOST_WATCHED = 50

export class CardWatch {
  /** The newest states by `keyOf`; a card without one is displayed as it was posted. */
  readonly states = shallowReactive(new Map<string, CardState>())
  private readonly inSight = reactive(new Map<string, { readonly card: CardReference; count: number }>())
  private timer = 0
  private told = ''

  constructor(private readonly connection: Connection) {
    connection.on('card_update', (frame) => this.updated(frame))
    connection.onState((state) => {
      // A new connection does not follow any cards yet.
      this.told = ''
      if (state.kind === 'live') this.tellSoon()
    })
  }

  /** A card has come into view. Returns a function to call when it leaves the view. */
  watch(card: CardReference): () => void {
    const key = keyOf(card)
    const known = this.inSight.get(key)
    if (known) known.count += 1
    else this.inSight.set(key, { card, count: 1 })
    this.tellSoon()
    return () => this.leave(key)
  }

  private leave(key: string): void {
    const known = this.inSight.get(key)
    if (!known) return
    known.count -= 1
    if (known.count === 0) this.inSight.delete(key)
    this.tellSoon()
  }

  private tellSoon(): void {
    clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.tell(), GATHER_MS)
  }

  private async tell(): Promise<void> {
    const cards = [...this.inSight.values()].slice(0, MOST_WATCHED).map(({ card }) => ({ kind: card.kind, reference: card.reference }))
    const asked = JSON.stringify(cards)
    if (asked === this.told || this.connection.state.kind !== 'live' || (cards.length === 0 && this.told === '')) return
    this.told = asked
    try {
      const ack = await this.connection.command('watch_cards', { cards })
      for (const fields of listOf(ack.cards)) this.take(fields)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      if (this.told === asked) this.told = ''
    }
  }

  private updated(frame: Frame): void {
    this.take(frame)
  }

  private take(fields: Readonly<Record<string, unknown>>): void {
    const key = keyOf({ kind: textOf(fields.kind), reference: textOf(fields.reference) })
    this.states.set(key, cardStateOf(fields.state))
  }
}

export const keyOf = ({ kind, reference }: CardReference): string => `${kind}/${reference}`
