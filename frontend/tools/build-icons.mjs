/**
 * Write static/icons.svg: one <symbol> per icon, from lucide-static and the shapes drawn here.
 *
 * Run after adding a name: node tools/build-icons.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const LUCIDE = [
  'activity', 'archive', 'arrow-down', 'arrow-left', 'arrow-up', 'arrow-up-right', 'at-sign', 'bell',
  'bell-off', 'chart-candlestick', 'chart-line', 'check', 'chevron-down', 'chevron-left', 'chevron-right',
  'circle-alert', 'circle-x', 'copy', 'ellipsis', 'eye', 'eye-off', 'file', 'file-chart-column-increasing',
  'file-down', 'gauge', 'hash', 'history', 'inbox', 'info', 'key-round', 'keyboard', 'languages',
  'layout-dashboard', 'link', 'list-filter', 'lock', 'log-out', 'mail', 'menu', 'messages-square',
  'monitor', 'moon', 'panel-left-close', 'panel-left-open', 'paperclip', 'pause', 'pencil', 'pin', 'play', 'plus', 'reply', 'rotate-cw', 'search',
  'send-horizontal', 'settings-2', 'shield', 'siren', 'smartphone', 'smile', 'smile-plus', 'sun', 'table-2',
  'trash-2', 'user', 'user-minus', 'users', 'volume-2', 'volume-x', 'wifi-off', 'x',
]

/** Pitwall's own shapes: the logo, the severities (each has a shape, not only a colour), the directions. */
const OWN = {
  mark: `<symbol id="mark" viewBox="0 0 32 32"><path fill="currentColor" d="M5 4h2a1 1 0 0 1 1 1v22a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM10 10h4v17a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1zM16 22.5h4V27a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1z"/><path fill="var(--accent)" d="M10 4h10.75a8.25 8.25 0 0 1 0 16.5H16v-4h4.75a4.25 4.25 0 0 0 0-8.5H10z"/></symbol>`,
  'sev-ok': `<symbol id="sev-ok" viewBox="0 0 16 16"><path fill="currentColor" fill-rule="evenodd" d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm3.53 4.97a.75.75 0 0 0-1.06 0L7.25 9.19 5.78 7.72a.75.75 0 0 0-1.06 1.06l2 2a.75.75 0 0 0 1.06 0l3.75-3.75a.75.75 0 0 0 0-1.06z"/></symbol>`,
  'sev-warn': `<symbol id="sev-warn" viewBox="0 0 16 16"><path fill="currentColor" fill-rule="evenodd" d="M7.05 1.9a1.1 1.1 0 0 1 1.9 0l6.4 11.1a1.1 1.1 0 0 1-.95 1.65H1.6A1.1 1.1 0 0 1 .65 13zM8 5a.8.8 0 0 0-.8.8v3.4a.8.8 0 0 0 1.6 0V5.8A.8.8 0 0 0 8 5zm0 6a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8z"/></symbol>`,
  'sev-crit': `<symbol id="sev-crit" viewBox="0 0 16 16"><path fill="currentColor" fill-rule="evenodd" d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM8 4a.8.8 0 0 0-.8.8v3.6a.8.8 0 0 0 1.6 0V4.8A.8.8 0 0 0 8 4zm0 6.2a.95.95 0 1 0 0 1.9.95.95 0 0 0 0-1.9z"/></symbol>`,
  'sev-info': `<symbol id="sev-info" viewBox="0 0 16 16"><path fill="currentColor" fill-rule="evenodd" d="M3 1h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2zm5 2.6a.95.95 0 1 0 0 1.9.95.95 0 0 0 0-1.9zM8 6.8a.8.8 0 0 0-.8.8v4a.8.8 0 0 0 1.6 0v-4a.8.8 0 0 0-.8-.8z"/></symbol>`,
  'sev-pending': `<symbol id="sev-pending" viewBox="0 0 16 16"><path fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.6 1.7" stroke-linejoin="round" d="M8 2 14.6 13.8H1.4z"/></symbol>`,
  'tri-up': `<symbol id="tri-up" viewBox="0 0 10 10"><path fill="currentColor" d="M5 1.5 9.3 8.5H.7z"/></symbol>`,
  'tri-down': `<symbol id="tri-down" viewBox="0 0 10 10"><path fill="currentColor" d="M5 8.5.7 1.5h8.6z"/></symbol>`,
  steady: `<symbol id="steady" viewBox="0 0 10 10"><path fill="currentColor" d="M1 4.2h8v1.6H1z"/></symbol>`,
}

function lucideSymbol(name) {
  const source = readFileSync(new URL(`../node_modules/lucide-static/icons/${name}.svg`, import.meta.url), 'utf8')
  const shapes = source
    .slice(source.indexOf('>', source.indexOf('<svg')) + 1, source.lastIndexOf('</svg>'))
    .replace(/\s+/g, ' ')
    .trim()
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`
}

const target = fileURLToPath(new URL('../../static/icons.svg', import.meta.url))
const symbols = [...Object.values(OWN), ...LUCIDE.map(lucideSymbol)]
writeFileSync(
  target,
  `<!-- Pitwall's own shapes, and icons of lucide-static (ISC licence, https://lucide.dev). Made by frontend/tools/build-icons.mjs. -->\n` +
    `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`,
)
