/** Client-chosen ids, so that sending something again does not create it twice. */

/** Random enough to tell messages apart. crypto.randomUUID exists on secure pages only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
