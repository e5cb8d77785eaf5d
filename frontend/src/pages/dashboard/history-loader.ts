/** Loads ranges of history over the socket: a few at a time, and only the newest request for each metric. */
import { CommandError, type Connection, type Frame } from '@/lib/socket'
import { isRecord } from '@/lib/socket/frames'
import { parseTime } from '@/lib/time'

import { pointsFor } from './ranges'
import type { Point } from './series'

export interface HistoryRequest {
  readonly metric: string
  /** Milliseconds on the server's clock. */
  readonly start: number
  readonly end: number
  readonly bucketMs: number
}

export interface History {
  readonly points: Point[]
  readonly bucketMs: number
}

export interface HistorySink {
  loaded(request: HistoryRequest, history: History): void
  failed(request: HistoryRequest): void
}

const AT_ONCE = 4
const PASSING_RETRIES = 3

export class HistoryLoader {
  private readonly waiting = new Map<string, HistoryRequest>()
  private readonly wanted = new Map<string, HistoryRequest>()
  private running = 0

  constructor(
    private readonly connection: Connection,
    private readonly sink: HistorySink,
  ) {}

  /** Load a range; an earlier request for the same metric is dropped. */
  load(request: HistoryRequest): void {
    this.wanted.set(request.metric, request)
    this.waiting.set(request.metric, request)
    this.next()
  }

  forget(metric: string): void {
    this.wanted.delete(metric)
    this.waiting.delete(metric)
  }

  private next(): void {
    for (const [metric, request] of this.waiting) {
      if (this.running >= AT_ONCE) return
      this.waiting.delete(metric)
      void this.run(request)
    }
  }

  private async run(request: HistoryRequest): Promise<void> {
    this.running += 1
    try {
      const history = await this.ask(request, PASSING_RETRIES)
      if (this.wanted.get(request.metric) === request) this.sink.loaded(request, history)
    } catch (error) {
      // After a lost connection, everything is loaded again once it is back.
      const disconnected = error instanceof CommandError && error.code === 'disconnected'
      if (!disconnected && this.wanted.get(request.metric) === request) this.sink.failed(request)
    } finally {
      this.running -= 1
      this.next()
    }
  }

  private async ask(request: HistoryRequest, retries: number): Promise<History> {
    const { metric, start, end, bucketMs } = request
    try {
      const reply = await this.connection.command('history', {
        metric,
        start: new Date(start).toISOString(),
        end: new Date(end).toISOString(),
        points: pointsFor(end - start, bucketMs),
      })
      return readHistory(reply, bucketMs)
    } catch (error) {
      const passing = error instanceof CommandError && ['rate_limited', 'unavailable'].includes(error.code)
      if (!passing || retries === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 1000))
      return this.ask(request, retries - 1)
    }
  }
}

/** Parse a `historical_data` reply; `resolution` is in seconds. */
export function readHistory(reply: Frame, askedBucketMs: number): History {
  const rows = Array.isArray(reply.data) ? reply.data.filter(isRecord) : []
  const points = rows.map((row) => {
    const value = Number(row.value)
    return {
      time: parseTime(String(row.timestamp)),
      value,
      min: Number(row.min ?? value),
      max: Number(row.max ?? value),
      count: Number(row.count ?? 1),
    }
  })
  const bucketMs = typeof reply.resolution === 'number' && reply.resolution > 0 ? reply.resolution * 1000 : askedBucketMs
  return { points: points.filter((point) => Number.isFinite(point.time) && Number.isFinite(point.value)), bucketMs }
}
