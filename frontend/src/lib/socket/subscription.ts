/** What a connection follows: asked for again after a reconnect, and wherever events of a log stream are missing. */
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

/** Errors that pass by themselves: the subscription is tried again. */
const PASSING = new Set(['rate_limited', 'unavailable', 'internal', 'timeout'])

export class Subscription {
  /** The server refused what is asked for, as it stands. */
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

  /** Ask for everything again, from where each stream stands. Nothing is sent when nothing is followed. */
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

  /** The server's newest offsets, by its heartbeat. */
  heartbeat(offsets: unknown): void {
    if (this.positions.behind(offsets).length > 0) this.renew()
  }

  disconnected(): void {
    this.positions.setRecovering(false)
  }

  /** Whether this frame is next in its stream, or in no stream at all. */
  inOrder(frame: Frame): boolean {
    const position = positionOf(frame)
    if (position === null) return true
    if (position.snapshot) {
      this.positions.set(position.stream, position)
      return true
    }
    const verdict = this.positions.accept(position.stream, position)
    // While recovering, what comes too early comes again, in its place.
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

/** The log streams behind a selection: `rooms` name theirs by slug. */
function streamsOf(selection: Selection): string[] {
  return [...(selection.streams ?? []), ...(selection.rooms ?? []).map((room) => `room:${room}`)]
}
