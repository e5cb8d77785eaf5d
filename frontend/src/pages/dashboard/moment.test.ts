import { describe, expect, it } from 'vitest'

import { endAround, momentOf, withoutMoment } from './moment'

const AT = Date.UTC(2026, 10, 21, 12, 3, 44)

describe('a link to a chart at a moment', () => {
  it('names a metric and a time', () => {
    expect(momentOf('?metric=cpu_usage&at=2026-11-21T12:03:44.000000Z&workspace=main')).toEqual({ metric: 'cpu_usage', at: AT })
    expect(momentOf('?metric=cpu_usage&at=2026-11-21T13:03:44+01:00')).toEqual({ metric: 'cpu_usage', at: AT })
  })

  it('shows the present without a time, or with an invalid one', () => {
    expect(momentOf('?metric=cpu_usage')).toEqual({ metric: 'cpu_usage', at: null })
    expect(momentOf('?metric=cpu_usage&at=yesterday')).toEqual({ metric: 'cpu_usage', at: null })
  })

  it('is ignored without a metric', () => {
    expect(momentOf('?at=2026-11-21T12:03:44Z')).toBeNull()
    expect(momentOf('')).toBeNull()
  })

  it('has the moment in the middle, unless that part of the future is still to come', () => {
    expect(endAround(AT, 900_000, AT + 3_600_000)).toBe(AT + 450_000)
    expect(endAround(AT, 900_000, AT + 60_000)).toBeNull()
  })

  it('leaves the address as it was before', () => {
    expect(withoutMoment('http://host/dashboards/?workspace=main&metric=a&at=b')).toBe('http://host/dashboards/?workspace=main')
  })
})
