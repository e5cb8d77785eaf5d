import { describe, expect, it } from 'vitest'

import { directionOf } from './direction'

describe('the direction of a text', () => {
  it('is that of its first letter', () => {
    expect(['שלום world', '1. שלום', '«مرحبا»', '— ދިވެހި', '"𞤀𞤣"'].map(directionOf)).toEqual(['rtl', 'rtl', 'rtl', 'rtl', 'rtl'])
    expect(['world שלום', '42', '', '你好', 'Привет, שלום', '😀 hi'].map(directionOf)).toEqual(['ltr', 'ltr', 'ltr', 'ltr', 'ltr', 'ltr'])
  })
})
