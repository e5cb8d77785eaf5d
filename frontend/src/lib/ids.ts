/** Names for what is created here, so that sent again it is not created twice. */

/** Unique and unguessable enough to tell messages apart; crypto.randomUUID exists on secure pages only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
