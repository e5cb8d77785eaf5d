/** What was typed or chosen on a page and is not sent yet: kept in this tab, so that a reload does not lose it. */

export class Kept {
  /** @param prefix names the user and the workspace, so that another user of this tab sees none of it */
  constructor(private readonly prefix: string) {}

  read<T>(name: string): T | null {
    try {
      return JSON.parse(sessionStorage.getItem(this.key(name)) ?? 'null') as T | null
    } catch {
      return null
    }
  }

  /** @param value null removes it. Returns false if the browser stores nothing. */
  write(name: string, value: unknown): boolean {
    try {
      if (value === null) sessionStorage.removeItem(this.key(name))
      else sessionStorage.setItem(this.key(name), JSON.stringify(value))
      return true
    } catch {
      return false
    }
  }

  private key(name: string): string {
    return `${this.prefix}.${name}`
  }
}
