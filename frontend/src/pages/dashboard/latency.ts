/** The latest latencies of live frames, for the status strip. Pure; milliseconds. */

const BARS = 24
const KEPT_FOR_PERCENTILE = 300

export class LatencyWall {
  private all: number[] = []

  add(latencyMs: number): void {
    // The clock offset is accurate to half a round trip: a negative latency means "too small to measure".
    this.all.push(Math.max(0, latencyMs))
    if (this.all.length > KEPT_FOR_PERCENTILE) this.all.shift()
  }

  get latest(): number | null {
    return this.all.at(-1) ?? null
  }

  get bars(): readonly number[] {
    return this.all.slice(-BARS)
  }

  /** The 95th percentile: 95 of 100 frames were at least this fast. */
  get percentile95(): number | null {
    if (this.all.length === 0) return null
    const sorted = [...this.all].sort((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.95) - 1]!
  }
}
