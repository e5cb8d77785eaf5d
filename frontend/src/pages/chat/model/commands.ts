/** The commands of the composer: texts that begin with a slash. Pure. */

const METRIC = /^\/metric(?:\s+(.*))?$/s

/** What is searched for after `/metric`, or null if the text is no such command. */
export function metricQuery(text: string): string | null {
  const found = METRIC.exec(text)
  return found ? (found[1] ?? '') : null
}
