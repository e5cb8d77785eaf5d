import { describe, expect, it } from 'vitest'

import { safeLink, type Notification } from './notification'
import { shapeOf, shortTime } from './wording'

const at = (...parts: [number, number, number, number, number]): number => new Date(...parts).getTime()
const short = (created: number, now: number): string => shortTime(new Date(created).toISOString(), now, 'en', 'now')

describe('a short time', () => {
  const now = at(2026, 10, 21, 12, 3) // a Saturday

  it('is "now" within a minute, then the minute, the weekday, the day', () => {
    expect(short(now - 59_000, now)).toBe('now')
    expect(short(now - 60_000, now)).toBe('12:02')
    expect(short(at(2026, 10, 20, 23, 59), now)).toBe('Fri')
    expect(short(at(2026, 10, 15, 12, 0), now)).toBe('Sun')
    expect(short(at(2026, 10, 14, 12, 0), now)).toBe('Nov 14')
  })

  it("accepts a clock that is behind the server's", () => {
    expect(short(now + 5_000, now)).toBe('now')
  })
})

describe('a link', () => {
  it('is followed only within the site and by http(s)', () => {
    const here = 'http://host/inbox/'
    expect(safeLink('/chat/?room=pit', here)).toBe('http://host/chat/?room=pit')
    expect(safeLink('https://a.example/x', here)).toBe('https://a.example/x')
    expect(safeLink('javascript:alert(1)', here)).toBeNull()
    expect(safeLink('data:text/html,x', here)).toBeNull()
    expect(safeLink('', here)).toBeNull()
  })
})

describe('the shape of a notification', () => {
  const shape = (kind: string, severity: Notification['severity']): string => shapeOf({ kind, severity } as Notification).icon

  it('is that of its severity if something is wrong, otherwise that of its kind', () => {
    expect(shape('mention', 'critical')).toBe('sev-crit')
    expect(shape('mention', 'warning')).toBe('sev-warn')
    expect(shape('mention', 'info')).toBe('at-sign')
    expect(shape('a_kind_of_tomorrow', 'info')).toBe('sev-info')
  })
})
