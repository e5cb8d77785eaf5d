/** Choices kept in this browser. Storage may be off or full: then a choice lasts as long as the page. */

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function writeStored(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Nothing to do: the page itself still knows.
  }
}

/** A stored list of strings, or null when there is none that can be read. */
export function readStoredList(key: string): string[] | null {
  try {
    const value: unknown = JSON.parse(readStored(key) ?? 'null')
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null
  } catch {
    return null
  }
}
