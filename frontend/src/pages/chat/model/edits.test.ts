import { describe, expect, it } from 'vitest'

import { Edits, type Edit } from './edits'
import { message } from './testing'

class Store {
  stored: readonly Edit[] = []
  read(): readonly Edit[] {
    return this.stored
  }
  write(edits: readonly Edit[]): void {
    this.stored = edits
  }
}

const typed = (store = new Store()): Edits => {
  const edits = new Edits(store)
  edits.begin('ops', message(7, { message_id: 7, message: 'before' }))
  edits.type(7, 'half a thought')
  return edits
}

describe('an edit under way', () => {
  it('keeps what was typed until it ends, also over a reload', () => {
    const store = new Store()
    typed(store)
    const again = new Edits(store)
    expect(again.of('ops').map(({ text }) => text)).toEqual(['half a thought'])
    again.end(7)
    expect(new Edits(store).all.size).toBe(0)
  })

  it('stays while another one begins', () => {
    const edits = typed()
    edits.begin('ops', message(8, { message_id: 8, message: 'another' }))
    edits.begin('ops', message(7, { message_id: 7, message: 'before' }))
    expect(edits.all.get(7)?.text).toBe('half a thought')
    expect(edits.all.size).toBe(2)
  })

  it('can be taken back if it was discarded with changes', () => {
    const edits = typed()
    const discarded = edits.end(7)!
    edits.restore(discarded)
    expect(edits.all.get(7)?.text).toBe('half a thought')
    edits.type(7, 'before')
    expect(edits.end(7)).toBeNull()
  })

  it('is handed out when its message is deleted or expires', () => {
    const edits = typed()
    expect(edits.withdraw('ops', [message(7, { message_id: 7 }), message(8)], true)).toEqual([])
    expect(edits.withdraw('pit', [message(7, { message_id: 7, deleted: true })], true)).toEqual([])
    expect(edits.withdraw('ops', [message(7, { message_id: 7, deleted: true })], true).map(({ text }) => text)).toEqual(['half a thought'])
    expect(typed().withdraw('ops', [message(9)], true)).toEqual([])
    expect(typed().withdraw('ops', [message(9)], false)).toHaveLength(1)
    expect(edits.all.size).toBe(0)
  })
})
