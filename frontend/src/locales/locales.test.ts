import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

type Tree = { readonly [key: string]: Tree | string }

// Read as files, because an import would give the compiled messages.
const read = (name: string): Tree => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Tree
const en = flat(read('./en.json'))
const zh = flat(read('./zh-Hans.json'))

function flat(tree: Tree, prefix = ''): Map<string, string> {
  const entries = Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : [...flat(value, `${prefix}${key}.`)],
  )
  return new Map(entries)
}

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort()

describe('the messages', () => {
  it('exist in both languages', () => {
    expect([...zh.keys()].sort()).toEqual([...en.keys()].sort())
  })

  it('are never empty', () => {
    expect([...en, ...zh].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('have the same placeholders in both languages', () => {
    for (const [key, text] of en) expect([key, placeholders(zh.get(key) ?? '')]).toEqual([key, placeholders(text)])
  })

  it('are free of half-width punctuation between Chinese characters', () => {
    expect([...zh].filter(([, text]) => /\p{Script=Han}[,;:!?]/u.test(text))).toEqual([])
  })

  it('used by the components exist', () => {
    const files = import.meta.glob('../**/*.{vue,ts}', { query: '?raw', import: 'default', eager: true }) as Record<string, string>
    const asked = Object.values(files).flatMap((text) => [...text.matchAll(/\bt\('([\w.]+)'/g)].map((match) => match[1]!))
    expect(asked.length).toBeGreaterThan(40)
    expect(asked.filter((key) => !en.has(key))).toEqual([])
  })
})
