/** Functions to call on an event. A listener may remove itself while it is called. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>()

  /** Returns what removes the listener again. */
  add(listener: (value: T) => void): () => void {
    this.all.add(listener)
    return () => this.all.delete(listener)
  }

  call(value: T): void {
    for (const listener of [...this.all]) listener(value)
  }
}
