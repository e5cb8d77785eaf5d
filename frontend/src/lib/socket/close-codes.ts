/** What a client has to do after each close code. */

export type StopReason = 'closed' | 'refused' | 'unauthenticated' | 'session_ended'

const FINAL: Readonly<Record<number, StopReason>> = {
  1000: 'closed',
  1003: 'refused',
  1007: 'refused',
  1008: 'unauthenticated',
  1009: 'refused',
  4500: 'session_ended',
}

/** Why the client must not reconnect after this close code, or null if it should. */
export function stopReason(code: number): StopReason | null {
  return FINAL[code] ?? (code >= 4500 && code <= 4999 ? 'refused' : null)
}
