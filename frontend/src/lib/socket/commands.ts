/** Commands that are waiting for their reply, by id. */
import { isRecord, type Frame } from './frames'

/** A command was refused or timed out, or the connection ended before its reply. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs: number | null = null,
    readonly errors: Readonly<Record<string, readonly string[]>> | null = null,
  ) {
    super(message)
    this.name = 'CommandError'
  }
}

interface Waiting {
  resolve(reply: Frame): void
  reject(error: CommandError): void
  cancelTimeout(): void
}

export class PendingCommands {
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0

  nextId(): number {
    this.lastId += 1
    return this.lastId
  }

  /** A promise for the reply to command `id`. */
  wait(id: number, scheduleTimeout: (expire: () => void) => () => void): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const cancelTimeout = scheduleTimeout(() => {
        this.waiting.delete(id)
        reject(new CommandError('timeout', 'no reply in time'))
      })
      this.waiting.set(id, { resolve, reject, cancelTimeout })
    })
  }

  /** Pass a frame to the command that it answers. False if it answers none. */
  settle(frame: Frame): boolean {
    const waiting = typeof frame.id === 'number' ? this.waiting.get(frame.id) : undefined
    if (waiting === undefined) return false
    this.waiting.delete(frame.id as number)
    waiting.cancelTimeout()
    if (frame.type === 'error') waiting.reject(errorOf(frame))
    else waiting.resolve(frame)
    return true
  }

  rejectAll(code: string, message: string): void {
    const all = [...this.waiting.values()]
    this.waiting.clear()
    for (const waiting of all) {
      waiting.cancelTimeout()
      waiting.reject(new CommandError(code, message))
    }
  }
}

function errorOf(frame: Frame): CommandError {
  return new CommandError(
    String(frame.code ?? 'internal'),
    String(frame.message ?? ''),
    typeof frame.retry_after === 'number' ? frame.retry_after * 1000 : null,
    isRecord(frame.errors) ? (frame.errors as Record<string, string[]>) : null,
  )
}
