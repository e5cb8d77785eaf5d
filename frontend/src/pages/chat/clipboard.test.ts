import { describe, expect, it } from 'vitest'

import { meansFiles } from './clipboard'

describe('what is pasted', () => {
  it('is the text of cells, not the picture of them', () => {
    expect(meansFiles({ text: 'a\tb\n1\t2\n', hasHtml: true, fileNames: ['image.png'] })).toBe(false)
    expect(meansFiles({ text: 'a paragraph', hasHtml: false, fileNames: ['image.png'] })).toBe(false)
  })

  it('is a file if there is nothing else, or its name only', () => {
    expect(meansFiles({ text: '', hasHtml: false, fileNames: ['screenshot.png'] })).toBe(true)
    expect(meansFiles({ text: '', hasHtml: true, fileNames: ['image.png'] })).toBe(true)
    expect(meansFiles({ text: 'plan.pdf', hasHtml: false, fileNames: ['plan.pdf'] })).toBe(true)
    expect(meansFiles({ text: '/home/alice/plan.pdf\n/home/alice/b.txt\n', hasHtml: false, fileNames: ['plan.pdf', 'b.txt'] })).toBe(true)
    expect(meansFiles({ text: 'file:///home/the%20plan.pdf', hasHtml: false, fileNames: ['the plan.pdf'] })).toBe(true)
  })

  it('is a cell that happens to hold the name of a file', () => {
    expect(meansFiles({ text: 'image.png', hasHtml: true, fileNames: ['image.png'] })).toBe(false)
  })

  it('is text if there are no files', () => {
    expect(meansFiles({ text: '', hasHtml: false, fileNames: [] })).toBe(false)
  })
})
