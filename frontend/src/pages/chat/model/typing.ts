/** Who is typing, and when to report that this user is. Pure: times in milliseconds. */

/** How long a typing notice is valid. */
export const TYPING_LASTS_MS = 6_000
/** How often it is repeated while the user keeps typing. */
export const TYPING_EVERY_MS = 3_000

export class TypingPeople {
  private readonly until = new Map<number, { readonly username: string; readonly at: number }>()

  said(userId: number, username: string, now: number): void {
    this.until.set(userId, { username, at: now + TYPING_LASTS_MS })
  }

  /** Call when the user's message has arrived or they have left. */
  stopped(userId: number): void {
    this.until.delete(userId)
  }

  renamed(userId: number, username: string): void {
    const said = this.until.get(userId)
    if (said) this.until.set(userId, { ...said, username })
  }

  /** The names, in the order in which they started. */
  names(now: number): string[] {
    for (const [userId, { at }] of this.until) if (at <= now) this.until.delete(userId)
    return [...this.until.values()].map(({ username }) => username)
  }
}

/** Decides for each key press whether to send a typing notice. */
export class TypingThrottle {
  private lastAt = -Infinity

  shouldTell(text: string, now: number): boolean {
    if (text.trim() === '' || text.startsWith('/') || now - this.lastAt < TYPING_EVERY_MS) return false
    this.lastAt = now
    return true
  }

  /** Call when the message is sent: the next key press may send a notice at once. */
  reset(): void {
    this.lastAt = -Infinity
  }
}
