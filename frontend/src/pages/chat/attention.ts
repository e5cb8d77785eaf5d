/** Tells the server when the user turns to something else, and when they are back. */
import type { Connection } from '@/lib/socket'

/** The user counts as away after this long without a key, a pointer or a touch. */
const AWAY_AFTER_MS = 5 * 60_000
const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart', 'focus'] as const
/** There are hundreds of input events; looking at one per interval is enough. */
const NOTICE_EVERY_MS = 1_000

export class Attention {
  private isAway = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private noticedAt = -Infinity

  constructor(private readonly connection: Connection) {
    for (const sign of SIGNS) addEventListener(sign, () => this.notice(), { passive: true, capture: true })
    connection.onState((state) => {
      // The server assumes that a new connection has the user's attention until it sends `away`.
      if (state.kind === 'live' && this.isAway) this.tell()
    })
    this.wait()
  }

  private notice(): void {
    const now = performance.now()
    if (!this.isAway && now - this.noticedAt < NOTICE_EVERY_MS) return
    this.noticedAt = now
    this.wait()
    if (!this.isAway) return
    this.isAway = false
    this.tell()
  }

  private wait(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.isAway = true
      this.tell()
    }, AWAY_AFTER_MS)
  }

  private tell(): void {
    // If it is lost, it is sent again with the next connection.
    this.connection.command('away', { on: this.isAway }).catch(() => undefined)
  }
}
