/** Functions to call when an event happens. A listener may remove itself during the call. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>()

  /** Returns a function that removes the listener. */
  add(listener: (value: T) => void): () => void {
    this.all.add(listener)
    return () => this.all.delete(listener)
  }

  call(value: T): void {
    for (const listener of [...this.all]) listener(value)
  }
}
