/**
 * Keeps what is typed into a form that is sent as a page: if the session has ended, the server answers with the login
 * page, and what was typed would be gone. Forms say so with `data-keep`.
 */
import { Kept } from './kept'

type Values = Readonly<Record<string, string>>

/** Never kept: secrets, and what the server puts into the form. */
const FIELDS = 'input:not([type="password"], [type="hidden"]), textarea, select'

export function keepForms(userId: number): void {
  const kept = new Kept(`pitwall.form.${userId}`)
  for (const form of document.querySelectorAll<HTMLFormElement>('form[data-keep]')) {
    const name = form.dataset.keep ?? ''
    restore(form, kept.read<Values>(name))
    kept.write(name, null)
    form.addEventListener('submit', () => void kept.write(name, valuesOf(form)))
  }
}

function fieldsOf(form: HTMLFormElement): (HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement)[] {
  return [...form.querySelectorAll<HTMLInputElement>(FIELDS)].filter((field) => field.name !== '')
}

const valuesOf = (form: HTMLFormElement): Values => Object.fromEntries(fieldsOf(form).map((field) => [field.name, field.value]))

/** The answer to a form that was taken shows the same values, and so does one with errors. */
function restore(form: HTMLFormElement, typed: Values | null): void {
  if (typed === null || form.dataset.kept === 'done') return
  // The server takes off the spaces around a value.
  const changed = fieldsOf(form).filter((field) => (typed[field.name] ?? field.value).trim() !== field.value)
  for (const field of changed) field.value = typed[field.name]!
  const word = form.querySelector<HTMLElement>('[data-kept-word]')
  if (word && changed.length > 0) word.hidden = false
}
