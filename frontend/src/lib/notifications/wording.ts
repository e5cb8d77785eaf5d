/** How a notification is displayed: its icon and its time. */
import { localDay, localMinute, shortDay } from '@/lib/local-time'
import { parseTime } from '@/lib/time'

import type { Notification, Severity } from './notification'

const JUST_NOW_MS = 60_000
const WEEK_DAYS = 6

export interface Shape {
  readonly icon: string
  readonly tone: string
}

const SEVERITY: Readonly<Record<Severity, Shape>> = {
  critical: { icon: 'sev-crit', tone: 'is-crit' },
  warning: { icon: 'sev-warn', tone: 'is-warn' },
  info: { icon: 'sev-info', tone: 'sub' },
}

/** Kinds with an icon of their own, used unless the severity says that something is wrong. */
const KIND: Readonly<Record<string, Shape>> = {
  mention: { icon: 'at-sign', tone: 'is-accent' },
  direct_message: { icon: 'messages-square', tone: 'is-accent' },
  room_message: { icon: 'messages-square', tone: 'sub' },
  room_invitation: { icon: 'users', tone: 'is-accent' },
  message: { icon: 'mail', tone: 'sub' },
}

export const shapeOfSeverity = (severity: Severity): Shape => SEVERITY[severity] ?? SEVERITY.info

export const shapeOf = ({ kind, severity }: Notification): Shape =>
  severity === 'info' ? (KIND[kind] ?? SEVERITY.info) : shapeOfSeverity(severity)

/** `now` if it is new, the time if it is from today, the weekday within a week, otherwise the date. */
export function shortTime(createdAt: string, now: number, locale: string, justNow: string): string {
  const at = parseTime(createdAt)
  const days = localDay(now) - localDay(at)
  if (now - at < JUST_NOW_MS) return justNow
  if (days <= 0) return localMinute(at)
  if (days <= WEEK_DAYS) return new Intl.DateTimeFormat(locale, { weekday: 'short' }).format(at)
  return shortDay(at, locale)
}
