/** Makes a text field as high as its text, up to a share of the window. */

const MOST_SHARE = 0.4

export function fitHeight(field: HTMLTextAreaElement): void {
  field.style.setProperty('height', 'auto')
  const most = window.innerHeight * MOST_SHARE
  field.style.setProperty('height', `${Math.min(field.scrollHeight, most)}px`)
  field.style.setProperty('overflow-y', field.scrollHeight > most ? 'auto' : 'hidden')
}
