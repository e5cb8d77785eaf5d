/** The offset of the server's clock from this device's, measured by pings: a wrong device clock must not show as latency. */

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
   * A first estimate from the greeting, which travelled one way: accurate to the travel time, replaced by the first pong.
   *
   * Earlier samples are dropped: they may be from before the device slept.
   */
  greet(serverMs: number, receivedMs: number): void {
    this.samples = []
    if (Number.isFinite(serverMs)) this.greeting = serverMs - receivedMs
  }

  /** Add one ping: sent and received by this device's clock, answered by the server's. All in milliseconds. */
  add(sentMs: number, serverMs: number, receivedMs: number): void {
    const roundTripMs = receivedMs - sentMs
    if (!Number.isFinite(serverMs) || roundTripMs < 0) return
    if (this.stale) this.samples = []
    this.stale = false
    this.samples.push({ offsetMs: serverMs - (sentMs + receivedMs) / 2, roundTripMs })
    if (this.samples.length > KEPT) this.samples.shift()
  }

  /** Add this to a time of this device to get the server's time. */
  get offsetMs(): number {
    return this.best?.offsetMs ?? this.greeting ?? 0
  }

  get roundTripMs(): number | null {
    return this.best?.roundTripMs ?? null
  }

  /** The device slept or its clock was set: the next pong replaces all earlier samples. */
  distrust(): void {
    this.stale = true
  }

  // The fastest round trip has the smallest error: at most half of it.
  private get best(): Sample | undefined {
    return this.samples.reduce<Sample | undefined>(
      (best, sample) => (best && best.roundTripMs <= sample.roundTripMs ? best : sample),
      undefined,
    )
  }
}
