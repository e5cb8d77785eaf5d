/** When to reconnect: exponential back-off with full jitter, so that a thousand clients don't return at once. */

const BASE_MS = 500
const CAP_MS = 20_000

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first).
 *
 * @param random a number in [0, 1)
 * @param retryAfterMs the delay that the server asked for; the wait is never shorter
 */
export function reconnectDelay(attempt: number, random: number, retryAfterMs = 0): number {
  // 2^16 is far above the cap and far below where doubling loses its integer meaning.
  return retryAfterMs + random * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16))
}
