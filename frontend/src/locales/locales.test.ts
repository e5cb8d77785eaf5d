import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { untranslated, untranslatedInScript } from './visible-text'

type Tree = { readonly [key: string]: Tree | string }

// Read as files, because imports yield compiled messages.
const read = (name: string): Tree => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Tree
const en = flat(read('./en.json'))
const zh = flat(read('./zh-Hans.json'))

function flat(tree: Tree, prefix = ''): Map<string, string> {
  const entries = Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : [...flat(value, `${prefix}${key}.`)],
  )
  return new Map(entries)
}

const components = import.meta.glob('../**/*.vue', { query: '?raw', import: 'default', eager: true }) as Record<string, string>
const scripts = import.meta.glob(['../**/*.ts', '!../**/*.test.ts'], { query: '?raw', import: 'default', eager: true }) as Record<string, string>
const sources = { ...components, ...scripts }
// The same in every language: names and labels of keys.
const SAME = /\b(?:API|Ctrl|Enter|Esc|Pitwall|Shift|UTC)\b/g
const hasWords = (text: string): boolean => /\p{L}{2,}/u.test(text.replace(SAME, ''))

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

  it('are Chinese in the Chinese file, but for names, signs and units', () => {
    expect([...zh].filter(([, text]) => !/\p{Script=Han}/u.test(text) && hasWords(text.replace(/\{\w+\}/g, '')))).toEqual([])
  })

  it('used by the components exist', () => {
    const asked = Object.values(sources).flatMap((text) => [...text.matchAll(/\bt\('([\w.]+)'/g)].map((match) => match[1]!))
    expect(asked.length).toBeGreaterThan(40)
    expect(asked.filter((key) => !en.has(key))).toEqual([])
  })

  it('are all asked for', () => {
    const written = Object.values(sources).flatMap((text) => [...text.matchAll(/'([\w.-]+)'|`([\w-]+\.[\w.-]*\$\{[^`]*)`/g)])
    const plain = new Set(written.map((match) => match[1]))
    const built = written.flatMap((match) => (match[2] === undefined ? [] : [patternOf(match[2])]))
    expect([...en.keys()].filter((key) => !plain.has(key) && !built.some((pattern) => pattern.test(key)))).toEqual([])
  })
})

describe('the components', () => {
  it.each(Object.entries(components))('%s shows nothing that is not translated', (name, source) => {
    expect(untranslated(source, name).filter(hasWords)).toEqual([])
  })

  it('nor do the scripts', () => {
    const shown = Object.entries(scripts).flatMap(([name, source]) => untranslatedInScript(source).map((text) => [name, text]))
    expect(shown).toEqual([])
  })
})

describe('what is shown without a translation', () => {
  const inTemplate = (template: string): string[] => untranslated(`<template>${template}</template>`)

  it.each([
    ['<p>Hello</p>', ['Hello']],
    ['<p v-if="a">Hello {{ name }}</p><p v-else>Bye</p>', ['Hello', 'Bye']],
    ['<button title="Close" />', ['Close']],
    ["<button :aria-label=\"open ? 'Close' : 'Open'\" />", ['Close', 'Open']],
    ["<p>{{ count === 1 ? 'one' : `${count} members` }}</p>", ['one', 'members']],
  ])('%s is found', (template, found) => {
    expect(inTemplate(template)).toEqual(found)
  })

  it.each([
    "<p>{{ t('chat.send') }}</p>",
    "<p>{{ kind === 'public' ? t('chat.kindPublic') : t(`chat.role.${role}`) }}</p>",
    '<p class="hello" data-kind="hello">·</p>',
    '<Icon name="arrow-left" /><!-- Hello -->',
    "<i :class=\"on ? 'is-on' : 'is-off'\" :title=\"t('chat.edit')\">{{ names['first'] }}</i>",
  ])('%s is not', (template) => {
    expect(inTemplate(template)).toEqual([])
  })

  it('is found in scripts that write into the page', () => {
    expect(untranslatedInScript("button.textContent = 'Show'\nx.setAttribute('title', open ? 'Close' : t('chat.edit'))")).toEqual(['Show', 'Close'])
  })
})

/** A pattern for keys that are built at run time, such as `chat.role.${role}`. */
function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{.*?\}/)
  return new RegExp(`^${parts.map((part) => part.replace(/[^\w]/g, '\\$&')).join('[\\w.]+')}$`)
}
