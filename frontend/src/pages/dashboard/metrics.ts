/** Metrics as listed by the API, and how the page groups them into charts. */

export const GROUPS = ['system', 'business', 'custom'] as const
export type Group = (typeof GROUPS)[number]

export interface Metric {
  readonly name: string
  readonly title: string
  readonly group: Group
  readonly unit: string
  readonly decimals: number
  readonly simulated: boolean
  readonly latest: { readonly value: number; readonly timestamp: string } | null
}

export interface ChartSpec {
  readonly key: string
  readonly unit: string
  readonly metrics: readonly Metric[]
}

/** More lines than this in one chart are hard to tell apart. */
const LINES_PER_CHART = 3
/** How many metrics are shown before the user has chosen any. */
const SHOWN_AT_FIRST = 12
/** The server allows 64 subscriptions per connection, but a page with more cards than this is unusable. */
export const MOST_SHOWN = 32

export function inOrder(metrics: readonly Metric[]): Metric[] {
  return [...metrics].sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group))
}

/** The charts for these metrics: metrics of the same group and unit share one. */
export function chartsOf(metrics: readonly Metric[]): ChartSpec[] {
  const charts = new Map<string, Metric[]>()
  for (const metric of metrics) {
    const unit = `${metric.group}/${metric.unit}`
    let part = 0
    while ((charts.get(`${unit}/${part}`)?.length ?? 0) >= LINES_PER_CHART) part += 1
    const key = `${unit}/${part}`
    charts.set(key, [...(charts.get(key) ?? []), metric])
  }
  return [...charts].map(([key, members]) => ({ key, unit: members[0]!.unit, metrics: members }))
}

/** The names to show: the stored choice without metrics that are gone, or the first metrics if there is none. */
export function choose(metrics: readonly Metric[], stored: readonly string[] | null): string[] {
  const names = metrics.map((metric) => metric.name)
  if (stored === null) return names.slice(0, SHOWN_AT_FIRST)
  return names.filter((name) => stored.includes(name)).slice(0, MOST_SHOWN)
}

/** Titles without the words that all of them end in: "CPU usage", "Memory usage" → "CPU", "Memory" and "usage". */
export function withoutCommonEnd(titles: readonly string[]): { readonly titles: readonly string[]; readonly end: string } {
  const words = titles.map((title) => title.split(' '))
  const shortest = Math.min(...words.map((one) => one.length))
  let common = 0
  while (titles.length > 1 && common < shortest - 1 && new Set(words.map((one) => one.at(-1 - common))).size === 1) common += 1
  if (common === 0) return { titles, end: '' }
  return { titles: words.map((one) => one.slice(0, -common).join(' ')), end: words[0]!.slice(-common).join(' ') }
}
