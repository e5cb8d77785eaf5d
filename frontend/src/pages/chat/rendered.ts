/** What the page adds to rendered text: directions, and room for what is wide. Changes the elements in place. */
import { directionOf } from './model/direction'

/** Each of these has the direction of its first strong letter. */
const PARAGRAPHS = 'p, h1, h2, h3, h4, h5, h6, th, td'
/** Names and addresses do not mix with the text around them, and do not decide its direction. */
const ISOLATED = '.mention, a'
/** Their direction is that of what is in them: their marks, bars and columns are on its side. */
const CONTAINERS = 'ul, ol, li, blockquote, table'
/** Shorter cells stay on one line: numbers, dates, names. */
const SHORT_CELL = 24

export function layOut(root: HTMLElement): void {
  for (const code of root.querySelectorAll<HTMLElement>('pre, code')) code.dir = 'ltr'
  for (const isolated of root.querySelectorAll<HTMLElement>(ISOLATED)) isolated.dir = 'auto'
  for (const paragraph of root.querySelectorAll<HTMLElement>(PARAGRAPHS)) paragraph.dir = 'auto'
  for (const container of root.querySelectorAll<HTMLElement>(CONTAINERS)) container.dir = directionOf(textOf(container))
  for (const cell of root.querySelectorAll<HTMLElement>('th, td')) cell.classList.toggle('is-short', [...(cell.textContent ?? '')].length <= SHORT_CELL)
  for (const list of root.querySelectorAll<HTMLOListElement>('ol')) makeRoom(list)
  for (const table of root.querySelectorAll<HTMLElement>('table')) if (table.scrollWidth > table.clientWidth) table.tabIndex = 0
}

/** The text without code and names. */
function textOf(element: HTMLElement): string {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest('pre, code, .mention') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  )
  let text = ''
  while (walker.nextNode()) text += walker.currentNode.nodeValue
  return text
}

/** Numbers stand before the text: long ones need more room. */
function makeRoom(list: HTMLOListElement): void {
  const last = list.start + list.children.length - 1
  const digits = Math.max(String(list.start).length, String(last).length)
  list.style.setProperty('--digits', String(digits))
}
