/** The lists of names that a connection should follow, and the fields to send along with them. */
import type { Selection } from './frames'

export class DesiredSelection {
  private readonly lists = new Map<string, Set<string>>()
  /** Fields to send with each `subscribe`, such as `history`. */
  options: Readonly<Record<string, unknown>> = {}

  add(selection: Selection, options: Readonly<Record<string, unknown>>): void {
    this.options = { ...this.options, ...options }
    for (const [field, items] of Object.entries(selection)) {
      const list = this.lists.get(field) ?? new Set()
      for (const item of items) list.add(item)
      this.lists.set(field, list)
    }
  }

  remove(selection: Selection): void {
    for (const [field, items] of Object.entries(selection)) {
      const list = this.lists.get(field)
      for (const item of items) list?.delete(item)
      if (list?.size === 0) this.lists.delete(field)
    }
  }

  get selection(): Selection {
    return Object.fromEntries([...this.lists].map(([field, items]) => [field, [...items]]))
  }

  get isEmpty(): boolean {
    return this.lists.size === 0
  }
}
