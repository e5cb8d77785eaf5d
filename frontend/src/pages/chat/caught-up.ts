/** Counts the messages from others that were missed during a lost connection, once it is back. */
import { ref, type Ref } from 'vue'

/** The count is shown when no more messages have come for this long, and is hidden again after a while. */
const QUIET_MS = 600
const SHOWN_MS = 8_000

export class CaughtUp {
  /** Null: nothing to show. */
  readonly count: Ref<number | null> = ref(null)
  private missed = 0
  private backAt: number | null = null
  private wasLost = false
  private timer: ReturnType<typeof setTimeout> | undefined

  lost(): void {
    this.wasLost = true
    this.missed = 0
    this.backAt = null
    this.count.value = null
  }

  /** @param now by the server's clock */
  connected(now: number): void {
    if (!this.wasLost) return
    this.wasLost = false
    this.backAt = now
    this.settle()
  }

  /** @param time when the message was sent, by the server's clock; it was missed if that is before the connection returned */
  arrived(time: number): void {
    if (this.backAt === null || time >= this.backAt) return
    this.missed += 1
    this.settle()
  }

  private settle(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.say(), QUIET_MS)
  }

  private say(): void {
    if (this.missed === 0) return
    this.count.value = this.missed
    this.timer = setTimeout(() => {
      this.count.value = null
      this.missed = 0
    }, SHOWN_MS)
  }
}
