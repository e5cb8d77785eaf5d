/** Named timers: setting one again replaces it. */
export class NamedTimers {
  private readonly cancels = new Map<string, () => void>()

  constructor(private readonly schedule: (delayMs: number, run: () => void) => () => void) {}

  set(name: string, delayMs: number, run: () => void): void {
    this.cancel(name)
    const cancel = this.schedule(delayMs, () => {
      this.cancels.delete(name)
      run()
    })
    this.cancels.set(name, cancel)
  }

  cancel(name: string): void {
    this.cancels.get(name)?.()
    this.cancels.delete(name)
  }

  cancelAll(): void {
    for (const cancel of this.cancels.values()) cancel()
    this.cancels.clear()
  }
}
