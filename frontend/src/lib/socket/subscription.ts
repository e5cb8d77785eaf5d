/** The subscriptions of a connection, renewed after a reconnect and when events of a log stream are missing. */
import { reconnectDelay } from './backoff'
import { CommandError } from './commands'
import { DesiredSelection } from './desired-selection'
import { positionOf, type Frame, type Selection } from './frames'
import { Listeners } from './listeners'
import { StreamPositions } from './positions'

type Fields = Readonly<Record<string, unknown>>

export interface SubscriptionPorts {
  /** Send a command; rejects with CommandError. */
  command(action: string, fields: Fields): Promise<Frame>
  later(delayMs: number, run: () => void): void
  random(): number
}

/** Temporary errors: the subscription is tried again. */
const PASSING = new Set(['rate_limited', 'unavailable', 'internal', 'timeout'])

export class Subscription {
  /** The server refused the subscription for good. */
  readonly refused = new Listeners<CommandError>()
  private readonly desired = new DesiredSelection()
  private readonly positions = new StreamPositions()
  private failures = 0

  constructor(private readonly ports: SubscriptionPorts) {}

  want(selection: Selection, options: Fields): void {
    this.desired.add(selection, options)
  }

  drop(selection: Selection): void {
    this.desired.remove(selection)
    this.positions.forget(streamsOf(selection))
  }

  /** Subscribe to everything again, from the position of each stream. Sends nothing if nothing is followed. */
  renew(): void {
    if (!this.desired.isEmpty || this.positions.recover()) void this.ask(this.desired.selection)
  }

  async ask(selection: Selection): Promise<void> {
    const recover = this.positions.recover()
    this.positions.setRecovering(true)
    try {
      await this.ports.command('subscribe', { ...selection, ...this.desired.options, ...(recover && { recover }) })
      this.failures = 0
    } catch (error) {
      if (error instanceof CommandError) this.failed(error)
    }
  }

  confirmed(frame: Frame): void {
    this.positions.confirm(frame.positions)
  }

  /** Compare with the server's newest offsets, from its heartbeat. */
  heartbeat(offsets: unknown): void {
    if (this.positions.behind(offsets).length > 0) this.renew()
  }

  disconnected(): void {
    this.positions.setRecovering(false)
  }

  /** Whether this frame is the next in its stream, or belongs to no stream. */
  inOrder(frame: Frame): boolean {
    const position = positionOf(frame)
    if (position === null) return true
    if (position.snapshot) {
      this.positions.set(position.stream, position)
      return true
    }
    const verdict = this.positions.accept(position.stream, position)
    // While recovering, an event that is too early will be sent again in order.
    if (verdict === 'missing' && !this.positions.isRecovering(position.stream)) this.renew()
    return verdict === 'deliver'
  }

  private failed(error: CommandError): void {
    this.positions.setRecovering(false)
    if (error.code === 'disconnected') return
    if (error.code === 'unrecoverable_position') this.positions.clear()
    else if (!PASSING.has(error.code)) return this.refused.call(error)
    const delay = reconnectDelay(this.failures, this.ports.random(), error.retryAfterMs ?? 0)
    this.failures += 1
    this.ports.later(delay, () => this.renew())
  }
}

/** The log streams that a selection follows; `rooms` lists slugs, not stream names. */
function streamsOf(selection: Selection): string[] {
  return [...(selection.streams ?? []), ...(selection.rooms ?? []).map((room) => `room:${room}`)]
}
