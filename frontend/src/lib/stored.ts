/** Choices stored in this browser. If storage is disabled or full, a choice lasts as long as the page. */

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
    // Nothing to do: the page still has the value.
  }
}

/** A stored list of strings, or null if there is none or it cannot be parsed. */
export function readStoredList(key: string): string[] | null {
  try {
    const value: unknown = JSON.parse(readStored(key) ?? 'null')
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null
  } catch {
    return null
  }
}
