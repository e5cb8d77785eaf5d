/** Test doubles for the network and the clock: time moves when told to, and servers send what they are told. */
import { Connection, type Surroundings, type Transport, type TransportEvents } from './connection'

interface Timer {
  readonly at: number
  readonly run: () => void
}

type Sent = Readonly<Record<string, unknown>> & { readonly action: string; readonly id?: number }

export class World {
  now = Date.UTC(2026, 10, 21, 12)
  online = true
  readonly servers: FakeServer[] = []
  readonly connection: Connection
  private timers: Timer[] = []

  constructor(overrides: Partial<Pick<Surroundings, 'random' | 'sessionIsValid'>> = {}) {
    this.connection = new Connection({
      random: () => 0.5,
      sessionIsValid: () => Promise.resolve(true),
      ...overrides,
      now: () => this.now,
      online: () => this.online,
      connect: (events) => this.accept(events),
      after: (delayMs, run) => {
        const timer = { at: this.now + delayMs, run }
        this.timers.push(timer)
        return () => (this.timers = this.timers.filter((other) => other !== timer))
      },
    })
  }

  /** The server of the newest connection. */
  get server(): FakeServer {
    return this.servers.at(-1)!
  }

  /** How long the connection waits before its next attempt. */
  get waitMs(): number {
    const { state } = this.connection
    return state.kind === 'reconnecting' ? (state.retryAt ?? NaN) - this.now : NaN
  }

  /** Advance the time and run the timers that become due. */
  pass(durationMs: number): void {
    const end = this.now + durationMs
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.timers = this.timers.filter((timer) => timer !== due)
      this.now = Math.max(this.now, due.at)
      due.run()
    }
    this.now = end
  }

  /** Advance the time exactly to the next connection attempt. */
  passUntilRetry(): void {
    this.pass(this.waitMs)
  }

  /** Advance the time without running timers, as while a device sleeps. */
  sleep(durationMs: number): void {
    this.now += durationMs
  }

  /** Let promises settle. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }

  private accept(events: TransportEvents): Transport {
    const server = new FakeServer(this, events)
    this.servers.push(server)
    return server.transport
  }
}

export class FakeServer {
  closedWith: number | undefined
  clockAheadMs = 0
  roundTripMs = 0
  private readonly frames: Sent[] = []
  private readonly answered = new Set<unknown>()
  readonly transport: Transport = {
    send: (text) => void this.frames.push(JSON.parse(text) as Sent),
    close: (code) => void (this.closedWith = code),
  }

  constructor(
    private readonly world: World,
    private readonly events: TransportEvents,
  ) {}

  greet(fields: object = {}): void {
    this.push({
      type: 'connection_established',
      client_id: 'c1',
      user: { id: 1, username: 'alice' },
      heartbeat_timeout: 45,
      timestamp: new Date(this.world.now + this.clockAheadMs).toISOString(),
      ...fields,
    })
  }

  push(frame: object): void {
    this.events.received(JSON.stringify(frame))
  }

  close(code: number): void {
    this.events.closed(code)
  }

  /** The frames received for one action, in order. */
  sent(action: string): Sent[] {
    return this.frames.filter((frame) => frame.action === action)
  }

  unanswered(action: string): Sent[] {
    const fresh = this.sent(action).filter((frame) => !this.answered.has(frame))
    for (const frame of fresh) this.answered.add(frame)
    return fresh
  }

  /** Confirm the newest subscribe. */
  confirm(positions: object): void {
    this.push({ type: 'subscription_confirmed', id: this.sent('subscribe').at(-1)!.id, positions })
  }

  refuse(action: string, error: object): void {
    this.push({ type: 'error', id: this.sent(action).at(-1)!.id, message: '', ...error })
  }

  /** Answer the newest ping after its one-way delay, then let the answer travel back. */
  answerPing(oneWayMs: number): void {
    const { id } = this.sent('ping').at(-1)!
    this.world.sleep(oneWayMs)
    const timestamp = new Date(this.world.now + this.clockAheadMs).toISOString()
    this.world.sleep(oneWayMs)
    this.push({ type: 'pong', id, timestamp })
  }
}
