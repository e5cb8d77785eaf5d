/** Telling the server when whoever sits here has turned to something else, and when they are back. */
import type { Connection } from '@/lib/socket'

/** Without a key, a pointer or a finger for this long nobody sits here. */
const AWAY_AFTER_MS = 5 * 60_000
const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart', 'focus'] as const
/** Signs come by the hundred; one in a while is enough. */
const NOTICE_EVERY_MS = 1_000

export class Attention {
  private isAway = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private noticedAt = -Infinity

  constructor(private readonly connection: Connection) {
    for (const sign of SIGNS) addEventListener(sign, () => this.notice(), { passive: true, capture: true })
    connection.onState((state) => {
      // A new connection has their attention until it says otherwise.
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
    // Said again with the next connection if it is lost on the way.
    this.connection.command('away', { on: this.isAway }).catch(() => undefined)
  }
}
