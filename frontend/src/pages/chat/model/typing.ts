/** Who is typing, and when to say that oneself is. Pure: times in milliseconds. */

/** A word about typing holds this long. */
export const TYPING_LASTS_MS = 6_000
/** Said again this often while it goes on. */
export const TYPING_EVERY_MS = 3_000

export class TypingPeople {
  private readonly until = new Map<number, { readonly username: string; readonly at: number }>()

  said(userId: number, username: string, now: number): void {
    this.until.set(userId, { username, at: now + TYPING_LASTS_MS })
  }

  /** Their message has come, or they have left. */
  stopped(userId: number): void {
    this.until.delete(userId)
  }

  /** Names, in the order in which they began. */
  names(now: number): string[] {
    for (const [userId, { at }] of this.until) if (at <= now) this.until.delete(userId)
    return [...this.until.values()].map(({ username }) => username)
  }
}

/** Decides for each key press whether to tell the room. */
export class TypingThrottle {
  private lastAt = -Infinity

  shouldTell(text: string, now: number): boolean {
    if (text.trim() === '' || text.startsWith('/') || now - this.lastAt < TYPING_EVERY_MS) return false
    this.lastAt = now
    return true
  }

  /** The message is sent: the next one begins anew. */
  reset(): void {
    this.lastAt = -Infinity
  }
}
