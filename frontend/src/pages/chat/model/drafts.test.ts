import { describe, expect, it } from 'vitest'

import { Kept } from '@/lib/kept'

import { Drafts } from './drafts'

describe('drafts', () => {
  it('last as long as the page in a browser without storage', () => {
    const drafts = new Drafts('alice', new Kept('alice'))
    drafts.keep('ops', 'half a thought')
    expect([drafts.text('ops'), drafts.has('ops'), drafts.has('pit')]).toEqual(['half a thought', true, false])
  })

  it('take an unsent message back, in front of newer text', () => {
    const drafts = new Drafts('alice', new Kept('alice'))
    drafts.putBack('ops', 'refused')
    expect(drafts.text('ops')).toBe('refused')
    drafts.keep('ops', 'newer')
    drafts.putBack('ops', 'refused')
    expect(drafts.text('ops')).toBe('refused\nnewer')
    drafts.putBack('ops', '')
    expect(drafts.text('ops')).toBe('refused\nnewer')
  })
})
