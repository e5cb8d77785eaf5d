/** The state of the dashboard page: the displayed data, where it comes from, how fresh it is. */
import { computed, reactive, ref, shallowReactive, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError, get } from '@/lib/api'
import { correctClock } from '@/lib/clock-display'
import { openConnection, type Connection, type ConnectionState, type Frame } from '@/lib/socket'
import { isRecord } from '@/lib/socket/frames'
import { readStored, readStoredList, writeStored } from '@/lib/stored'
import { parseTime } from '@/lib/time'

import { HistoryLoader, type History, type HistoryRequest } from './history-loader'
import { LatencyWall } from './latency'
import { choose, chartsOf, inOrder, MOST_SHOWN, type ChartSpec, type Metric } from './metrics'
import { endAround, momentOf, withoutMoment, type Moment } from './moment'
import { DEFAULT_RANGE, rangeByKey, type TimeRange } from './ranges'
import { MetricSeries } from './series'

export type Phase = 'loading' | 'ready' | 'denied' | 'failed'
export type LoadState = 'loading' | 'ready' | 'failed'

/** Frames older than this don't set the page's "now": then only slow metrics are followed. */
const FRESH_MS = 3_000
/** A chart spans at least this many points; fewer would show little but noise. */
const LEAST_BUCKETS = 30
const SLIDE_EVERY_MS = 1_000
/** An empty page reloads the metrics at this interval. */
const LOOK_AGAIN_EVERY_MS = 5_000
const CATALOGUE_SETTLES_MS = 200

export class Dashboard {
  readonly phase: Ref<Phase> = ref('loading')
  readonly metrics: ShallowRef<readonly Metric[]> = shallowRef([])
  readonly chosen: ShallowRef<readonly string[]> = shallowRef([])
  readonly range: ShallowRef<TimeRange>
  readonly connectionState: ShallowRef<ConnectionState>
  /** When the user paused the page, or null. */
  readonly pausedAt: Ref<number | null> = ref(null)
  /** When the newest displayed values were sampled, by the server's clock. */
  readonly updatedAt: Ref<number | null> = ref(null)
  readonly loads = reactive(new Map<string, LoadState>())
  readonly latency = new LatencyWall()
  readonly series = shallowReactive(new Map<string, MetricSeries>())
  /** Counts redraws: everything that draws from `series` depends on it. */
  readonly tick = ref(0)
  /** The time under the crosshair of any chart, or null. */
  readonly crosshair: Ref<number | null> = ref(null)
  readonly shown: ComputedRef<readonly Metric[]> = computed(() =>
    this.metrics.value.filter((metric) => this.chosen.value.includes(metric.name)),
  )
  readonly charts: ComputedRef<readonly ChartSpec[]> = computed(() => chartsOf(this.shown.value))
  readonly connection: Connection
  private readonly loader: HistoryLoader
  private redrawing = false
  private wasLive = false
  private catalogueTimer: ReturnType<typeof setTimeout> | undefined
  /** The next frame contains stored values, sent immediately after a subscription: their age is not latency. */
  private isSnapshotDue = false
  /** The chart and time that the page's address asks to show first. */
  private moment: Moment | null = momentOf(location.search)

  constructor(readonly workspace: string | null) {
    this.range = shallowRef(this.moment?.at ? DEFAULT_RANGE : rangeByKey(readStored(this.key('range'))))
    this.connection = openConnection('/ws/dashboard/', workspace)
    this.connectionState = shallowRef(this.connection.state)
    this.loader = new HistoryLoader(this.connection, {
      loaded: (request, history) => this.loaded(request, history),
      failed: (request) => this.loads.set(request.metric, 'failed'),
    })
    this.connection.on('realtime_metrics', (frame) => this.live(frame))
    for (const type of ['metric_created', 'metric_changed', 'metric_deleted']) this.connection.on(type, () => this.loadMetricsSoon())
    this.connection.on('subscription_confirmed', () => (this.isSnapshotDue = true))
    this.connection.on('pong', () => correctClock(this.connection.clock.offsetMs))
    this.connection.onState((state) => this.connectionChanged(state))
    this.connection.onSubscriptionRefused((error) => {
      if (error.code === 'permission_denied') this.phase.value = 'denied'
      else void this.followWhatExists()
    })
    setInterval(() => this.slide(), SLIDE_EVERY_MS)
    setInterval(() => {
      if (this.phase.value === 'ready' && this.metrics.value.length === 0) void this.loadMetrics()
    }, LOOK_AGAIN_EVERY_MS)
    void this.loadMetrics()
  }

  /** Now by the server's clock, in milliseconds. */
  serverNow(): number {
    return this.connection.serverNow
  }

  /** The right edge of every chart; it stands still while paused or disconnected. */
  get end(): number {
    if (this.pausedAt.value !== null) return this.pausedAt.value
    const updatedAt = this.updatedAt.value
    const now = this.serverNow()
    if (updatedAt === null) return now
    return this.connectionState.value.kind !== 'live' || now - updatedAt < FRESH_MS ? updatedAt : now
  }

  /** The left edge: that of the range, or the oldest data if the server has none before it. */
  get start(): number {
    const whole = this.end - this.range.value.lengthMs
    if ([...this.loads.values()].includes('loading')) return whole
    const oldest = Math.min(...[...this.series.values()].map((series) => series.points[0]?.time ?? Infinity))
    const latest = this.end - LEAST_BUCKETS * this.range.value.bucketMs
    return Math.max(whole, Math.min(oldest, latest))
  }

  get isStale(): boolean {
    return this.updatedAt.value !== null && !['live', 'connecting'].includes(this.connectionState.value.kind)
  }

  // --- User actions ---------------------------------------------------------------------------

  async loadMetrics(): Promise<void> {
    if (this.phase.value === 'failed') this.phase.value = 'loading'
    try {
      this.listed(await get<Metric[]>('metrics/', this.workspace))
      this.phase.value = 'ready'
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0
      if (status === 401) return this.connection.retryNow()
      if (status === 403 || status === 404) this.phase.value = 'denied'
      else if (this.phase.value !== 'ready') this.phase.value = 'failed'
    }
  }

  show(names: readonly string[]): void {
    this.leaveMoment()
    const kept = this.metrics.value.map((metric) => metric.name).filter((name) => names.includes(name))
    writeStored(this.key('metrics'), JSON.stringify(kept.slice(0, MOST_SHOWN)))
    this.follow(kept.slice(0, MOST_SHOWN))
  }

  setRange(range: TimeRange): void {
    if (range === this.range.value) return
    this.range.value = range
    writeStored(this.key('range'), range.key)
    for (const name of this.chosen.value) this.loadRange(name)
    this.redraw()
  }

  pause(): void {
    if (this.pausedAt.value !== null) return
    this.pausedAt.value = this.end
    this.connection.unsubscribe({ metrics: this.chosen.value })
  }

  resume(): void {
    if (this.pausedAt.value === null) return
    this.pausedAt.value = this.crosshair.value = null
    this.connection.subscribe({ metrics: this.chosen.value })
    this.catchUp()
  }

  reload(name: string): void {
    this.loadRange(name)
  }

  // --- Frames from the server -----------------------------------------------------------------

  private listed(listed: readonly Metric[]): void {
    this.metrics.value = inOrder(listed)
    this.goToMoment()
    this.follow(this.moment ? [this.moment.metric] : choose(this.metrics.value, readStoredList(this.key('metrics'))))
    for (const { name, latest } of this.metrics.value) {
      const time = latest ? parseTime(latest.timestamp) : Infinity
      // If the page is stopped at a moment, later values are not shown.
      if (latest && time <= (this.pausedAt.value ?? time)) this.series.get(name)?.seed({ time, value: latest.value })
    }
    this.redraw()
  }

  /** Pause at the requested moment and put the crosshair on it. */
  private goToMoment(): void {
    const { moment } = this
    if (moment === null) return
    if (!this.metrics.value.some((metric) => metric.name === moment.metric)) return this.leaveMoment()
    if (moment.at === null || this.phase.value === 'ready') return
    this.pausedAt.value = endAround(moment.at, this.range.value.lengthMs, this.serverNow())
    this.updatedAt.value = this.pausedAt.value
    this.crosshair.value = moment.at / 1000
  }

  /** Remove the moment from the address, because the user has changed the page. */
  private leaveMoment(): void {
    if (this.moment === null) return
    this.moment = null
    history.replaceState(null, '', withoutMoment(location.href))
  }

  private follow(names: readonly string[]): void {
    const before = this.chosen.value
    this.chosen.value = names
    const gone = before.filter((name) => !names.includes(name))
    const added = names.filter((name) => !before.includes(name))
    for (const name of gone) {
      this.loader.forget(name)
      this.series.delete(name)
      this.loads.delete(name)
    }
    for (const name of added) {
      this.series.set(name, new MetricSeries(this.range.value.bucketMs))
      this.loadRange(name)
    }
    if (this.pausedAt.value === null) {
      if (gone.length > 0) this.connection.unsubscribe({ metrics: gone })
      // The range is loaded separately, so the subscription needs no history.
      if (added.length > 0) this.connection.subscribe({ metrics: added }, { history: 0 })
    }
    this.redraw()
  }

  /** A refused subscription changes nothing: subscribe again without the metrics that are gone. */
  private async followWhatExists(): Promise<void> {
    const before = this.chosen.value
    await this.loadMetrics()
    const { value: names } = this.chosen
    if (names.length < before.length && this.pausedAt.value === null) this.connection.subscribe({ metrics: names })
  }

  /** Several changes of the catalogue that come together are read once. */
  private loadMetricsSoon(): void {
    clearTimeout(this.catalogueTimer)
    this.catalogueTimer = setTimeout(() => void this.loadMetrics(), CATALOGUE_SETTLES_MS)
  }

  private live(frame: Frame): void {
    const time = parseTime(String(frame.timestamp))
    if (this.pausedAt.value !== null || !isRecord(frame.metrics) || !Number.isFinite(time)) return
    for (const group of Object.values(frame.metrics)) {
      if (!isRecord(group)) continue
      for (const [name, value] of Object.entries(group)) {
        if (typeof value === 'number') this.series.get(name)?.append({ time, value })
      }
    }
    this.updatedAt.value = Math.max(time, this.updatedAt.value ?? 0)
    if (this.isSnapshotDue) this.isSnapshotDue = false
    else this.latency.add(this.serverNow() - time)
    this.redraw()
  }

  private connectionChanged(state: ConnectionState): void {
    this.connectionState.value = state
    if (state.kind !== 'live') return
    if (this.wasLive) this.catchUp()
    else for (const name of this.chosen.value) this.loadRange(name)
    this.wasLive = true
    if (this.phase.value !== 'ready') void this.loadMetrics()
  }

  /** Load the missed data, so that the charts do not show false gaps. */
  private catchUp(): void {
    if (this.pausedAt.value !== null) return this.loadChosenRange()
    for (const name of this.chosen.value) {
      const series = this.series.get(name)
      const last = series?.points.at(-1)
      const { lengthMs, bucketMs } = this.range.value
      const covered = last && this.loads.get(name) === 'ready' && last.time > this.serverNow() - lengthMs
      if (!covered || series?.bucketMs !== bucketMs) this.loadRange(name)
      else this.loader.load({ metric: name, start: last.time, end: this.serverNow(), bucketMs })
    }
  }

  /** While paused nothing is missed, but a range chosen without a connection still has to be loaded. */
  private loadChosenRange(): void {
    for (const name of this.chosen.value) if (this.loads.get(name) === 'loading') this.loadRange(name)
  }

  private loadRange(name: string): void {
    const { lengthMs, bucketMs } = this.range.value
    const end = this.pausedAt.value ?? this.serverNow()
    this.loads.set(name, 'loading')
    if (this.connectionState.value.kind === 'live') {
      this.loader.load({ metric: name, start: end - lengthMs, end, bucketMs })
    }
  }

  private loaded(request: HistoryRequest, history: History): void {
    const series = this.series.get(request.metric)
    const whole = request.end - request.start >= this.range.value.lengthMs
    if (!whole && history.points.length > 0 && history.bucketMs !== series?.bucketMs) return this.loadRange(request.metric)
    if (whole) series?.replace(history.points, history.bucketMs)
    else series?.patch(request.start, history.points)
    this.loads.set(request.metric, 'ready')
    this.redraw()
  }

  // --- Drawing --------------------------------------------------------------------------------

  /** Move the charts along while no frames arrive. */
  private slide(): void {
    const { kind } = this.connectionState.value
    if (kind === 'live' && this.pausedAt.value === null && this.end !== this.updatedAt.value) this.redraw()
  }

  /** Draw once at the browser's next animation frame, however much data arrives before it. */
  private redraw(): void {
    if (this.redrawing) return
    this.redrawing = true
    requestAnimationFrame(() => {
      this.redrawing = false
      const oldest = this.end - this.range.value.lengthMs
      for (const series of this.series.values()) series.trim(oldest)
      this.tick.value += 1
    })
  }

  private key(name: string): string {
    return `pitwall.dashboard.${this.workspace ?? ''}.${name}`
  }
}
