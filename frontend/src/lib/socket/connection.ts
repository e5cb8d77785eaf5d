/**
 * The client half of the protocol: one connection that reconnects and resumes by itself.
 *
 * Pure: time, randomness and the transport are passed in, so that tests need no clock and no network.
 */
import { reconnectDelay } from './backoff'
import { ClockOffset } from './clock-offset'
import { stopReason, type StopReason } from './close-codes'
import { CommandError, PendingCommands } from './commands'
import { parseFrame, unbatch, type ConnectionEstablished, type Frame, type Selection } from './frames'
import { Listeners } from './listeners'
import { Subscription } from './subscription'
import { NamedTimers } from './timers'

export interface Transport {
  send(text: string): void
  /** Close without calling `closed`. `code`: 1000 or 3000–4999, the codes that a browser may send. */
  close(code?: number): void
}

export interface TransportEvents {
  received(text: string): void
  /** The other end closed, or the connection broke (1006). */
  closed(code: number): void
}

/** What the connection needs from its environment. Times are milliseconds since 1970 on this device's clock. */
export interface Surroundings {
  now(): number
  random(): number
  after(delayMs: number, run: () => void): () => void
  connect(events: TransportEvents): Transport
  /** Whether the device reports a network. */
  online(): boolean
  /** Called after attempts that never got a greeting: to a browser, a refused upgrade looks like a network error. */
  sessionIsValid(): Promise<boolean>
}

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'reconnecting'; readonly retryAt: number | null }
  | { readonly kind: 'offline'; readonly retryAt: number | null }
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly code: number }

const DEFAULT_SILENCE_MS = 45_000
const COMMAND_TIMEOUT_MS = 15_000
const GREETING_TIMEOUT_MS = 15_000
const PING_INTERVAL_MS = 10_000
/** The first pings follow each other quickly, so that latencies are right from the start. */
const FIRST_PINGS_MS = [0, 400, 1200, 3000]
/** A connection that lasts this long counts as stable: the next failure starts the back-off from the beginning. */
const STABLE_AFTER_MS = 5_000
const CHECK_SESSION_EVERY = 3
const NORMAL = 1000
const SILENT = 4012

export class Connection {
  readonly clock = new ClockOffset()
  private _state: ConnectionState = { kind: 'connecting' }
  private transport: Transport | null = null
  private established = false
  private failures = 0
  private retryAfterMs = 0
  private silenceMs = DEFAULT_SILENCE_MS
  private lastHeardAt = 0
  private readonly pending = new PendingCommands()
  private readonly subscription: Subscription
  private readonly timers: NamedTimers
  private readonly frameListeners = new Map<string, Listeners<Frame>>()
  private readonly stateListeners = new Listeners<ConnectionState>()

  constructor(private readonly outside: Surroundings) {
    this.timers = new NamedTimers(outside.after)
    this.subscription = new Subscription({
      command: (action, fields) => this.command(action, fields),
      later: (delayMs, run) => this.timers.set('resubscribe', delayMs, run),
      random: outside.random,
    })
  }

  get state(): ConnectionState {
    return this._state
  }

  /** Now by the server's clock, in milliseconds. */
  get serverNow(): number {
    return this.outside.now() + this.clock.offsetMs
  }

  /** Frames of a type, in order; if the type belongs to a log stream, without duplicates and gaps. */
  on(type: string, listener: (frame: Frame) => void): () => void {
    const listeners = this.frameListeners.get(type) ?? new Listeners<Frame>()
    this.frameListeners.set(type, listeners)
    return listeners.add(listener)
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    return this.stateListeners.add(listener)
  }

  /** The server refused the subscription for good, for example because a metric is gone. */
  onSubscriptionRefused(listener: (error: CommandError) => void): () => void {
    return this.subscription.refused.add(listener)
  }

  start(): void {
    if (this.transport === null && this._state.kind !== 'stopped') this.connect()
  }

  /** Close for good. */
  stop(): void {
    if (this.transport !== null) this.drop(NORMAL)
    else this.finish('closed', NORMAL)
  }

  /**
   * Send a command and wait for its reply.
   *
   * Raises: CommandError with the server's code, `disconnected` or `timeout`.
   */
  command(action: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Frame> {
    if (!this.established) return Promise.reject(new CommandError('disconnected', 'not connected'))
    const id = this.pending.nextId()
    const reply = this.pending.wait(id, (expire) => this.outside.after(COMMAND_TIMEOUT_MS, expire))
    this.send({ action, id, ...fields })
    return reply
  }

  /** Add to the subscriptions, which are kept across reconnects. `options` are sent along each time. */
  subscribe(selection: Selection, options: Readonly<Record<string, unknown>> = {}): void {
    this.subscription.want(selection, options)
    if (this.established) void this.subscription.ask(selection)
  }

  unsubscribe(selection: Selection): void {
    this.subscription.drop(selection)
    if (this.established) this.command('unsubscribe', selection).catch(ignore)
  }

  /** Try to connect immediately; no effect while connected. */
  retryNow(): void {
    if (this.transport === null && this._state.kind !== 'stopped') this.connect()
  }

  /** The device's network came or went. */
  networkChanged(online: boolean): void {
    if (online) this.retryNow()
    else if (this.transport === null && this._state.kind === 'reconnecting') {
      this.setState({ kind: 'offline', retryAt: this._state.retryAt })
    } else this.ping()
  }

  /** The page is visible again: its timers may have been suspended. */
  wokeUp(): void {
    if (this.transport === null) this.retryNow()
    else if (this.established && this.outside.now() - this.lastHeardAt > this.silenceMs) this.drop(SILENT)
    else {
      this.clock.distrust()
      this.ping()
    }
  }

  // --- Connecting ---------------------------------------------------------------------------

  private connect(): void {
    this.timers.cancel('retry')
    if (this._state.kind !== 'connecting') this.setState({ kind: 'reconnecting', retryAt: null })
    this.established = false
    this.retryAfterMs = 0
    this.timers.set('greeting', GREETING_TIMEOUT_MS, () => this.drop(SILENT))
    // A transport that was dropped may still send events: listen to the newest one only.
    let transport: Transport | null = null
    const isCurrent = (): boolean => transport !== null && this.transport === transport
    transport = this.outside.connect({
      received: (text) => isCurrent() && this.received(text),
      closed: (code) => isCurrent() && this.closed(code),
    })
    this.transport = transport
  }

  private greeted(frame: ConnectionEstablished): void {
    this.timers.cancel('greeting')
    this.established = true
    this.silenceMs = (frame.heartbeat_timeout ?? DEFAULT_SILENCE_MS / 1000) * 1000
    this.clock.greet(Date.parse(frame.timestamp), this.outside.now())
    this.timers.set('stable', STABLE_AFTER_MS, () => (this.failures = 0))
    this.pingRepeatedly(0)
    this.setState({ kind: 'live' })
    this.subscription.renew()
  }

  /** Drop the transport without waiting for its close event: a dead peer never sends one. */
  private drop(code: number): void {
    const transport = this.transport
    this.closed(code)
    transport?.close(code)
  }

  private closed(code: number): void {
    const greeted = this.established
    this.transport = null
    this.established = false
    this.timers.cancelAll()
    this.pending.rejectAll('disconnected', 'the connection ended before the reply')
    this.subscription.disconnected()
    const reason = stopReason(code)
    if (reason !== null) return this.finish(reason, code)
    this.scheduleRetry()
    if (!greeted && this.failures % CHECK_SESSION_EVERY === 1) this.checkSession()
  }

  private scheduleRetry(): void {
    const delay = reconnectDelay(this.failures, this.outside.random(), this.retryAfterMs)
    this.failures += 1
    const retryAt = this.outside.now() + delay
    this.setState({ kind: this.outside.online() ? 'reconnecting' : 'offline', retryAt })
    this.timers.set('retry', delay, () => this.connect())
  }

  private checkSession(): void {
    this.outside.sessionIsValid().then(
      (valid) => {
        if (valid || this.established || this._state.kind === 'stopped') return
        const transport = this.transport
        this.finish('unauthenticated', 1008)
        transport?.close()
      },
      // A failed request says nothing about the session.
      ignore,
    )
  }

  private finish(reason: StopReason, code: number): void {
    this.transport = null
    this.established = false
    this.timers.cancelAll()
    this.pending.rejectAll('disconnected', 'the connection is closed')
    this.setState({ kind: 'stopped', reason, code })
  }

  // --- Frames in ----------------------------------------------------------------------------

  private received(text: string): void {
    this.lastHeardAt = this.outside.now()
    const frame = parseFrame(text)
    if (frame) for (const one of unbatch(frame)) this.take(one)
    // A listener may have closed the connection.
    if (this.transport !== null) this.timers.set('silence', this.silenceMs, () => this.drop(SILENT))
  }

  private take(frame: Frame): void {
    if (frame.type === 'connection_established') this.greeted(frame as ConnectionEstablished)
    else if (frame.type === 'heartbeat') this.heartbeat(frame)
    else if (frame.type === 'disconnect') this.retryAfterMs = Number(frame.retry_after ?? 0) * 1000
    else if (frame.type === 'subscription_confirmed') this.subscription.confirmed(frame)
    const answered = this.pending.settle(frame)
    if (!(answered && frame.type === 'error') && this.subscription.inOrder(frame)) this.emit(frame)
  }

  private heartbeat(frame: Frame): void {
    this.send({ action: 'heartbeat_ack', timestamp: frame.timestamp })
    this.subscription.heartbeat(frame.offsets)
  }

  private emit(frame: Frame): void {
    this.frameListeners.get(frame.type)?.call(frame)
    this.frameListeners.get('*')?.call(frame)
  }

  // --- Frames out ---------------------------------------------------------------------------

  private send(frame: Readonly<Record<string, unknown>>): void {
    this.transport?.send(JSON.stringify(frame))
  }

  private pingRepeatedly(count: number): void {
    const delay = count < FIRST_PINGS_MS.length ? FIRST_PINGS_MS[count]! : PING_INTERVAL_MS
    this.timers.set('ping', delay, () => {
      this.ping()
      this.pingRepeatedly(count + 1)
    })
  }

  private ping(): void {
    const sentAt = this.outside.now()
    this.command('ping').then(
      (pong) => this.clock.add(sentAt, Date.parse(String(pong.timestamp)), this.outside.now()),
      ignore,
    )
  }

  private setState(state: ConnectionState): void {
    this._state = state
    this.stateListeners.call(state)
  }
}

function ignore(): void {
  // Each caller handles failures elsewhere: the command is retried, or the end of the connection reports it.
}
