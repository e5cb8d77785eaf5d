/** How far the server's clock is from this device's, from pings: a wrong device clock must not show as latency. */

interface Sample {
  readonly offsetMs: number
  readonly roundTripMs: number
}

const KEPT = 8

export class ClockOffset {
  private samples: Sample[] = []
  private greeting: number | null = null
  private stale = false

  /**
   * A first guess from the greeting, which travelled one way: good to the travel time, replaced by the first pong.
   *
   * What was known before the connection ended may be from before a sleep.
   */
  greet(serverMs: number, receivedMs: number): void {
    this.samples = []
    if (Number.isFinite(serverMs)) this.greeting = serverMs - receivedMs
  }

  /** One ping: sent and received on this device's clock, answered on the server's. All in milliseconds. */
  add(sentMs: number, serverMs: number, receivedMs: number): void {
    const roundTripMs = receivedMs - sentMs
    if (!Number.isFinite(serverMs) || roundTripMs < 0) return
    if (this.stale) this.samples = []
    this.stale = false
    this.samples.push({ offsetMs: serverMs - (sentMs + receivedMs) / 2, roundTripMs })
    if (this.samples.length > KEPT) this.samples.shift()
  }

  /** Add this to a time of this device to get the server's. */
  get offsetMs(): number {
    return this.best?.offsetMs ?? this.greeting ?? 0
  }

  get roundTripMs(): number | null {
    return this.best?.roundTripMs ?? null
  }

  /** The device slept, or its clock was set: the next answer replaces all earlier ones. */
  distrust(): void {
    this.stale = true
  }

  // The quickest answer bounds the error best: it is at most half the round trip.
  private get best(): Sample | undefined {
    return this.samples.reduce<Sample | undefined>(
      (best, sample) => (best && best.roundTripMs <= sample.roundTripMs ? best : sample),
      undefined,
    )
  }
}
