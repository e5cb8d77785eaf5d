/** Which of the forms of a pasted or dropped content is meant. Pure. */

export interface Pasted {
  /** `text/plain`; empty: none. */
  readonly text: string
  readonly hasHtml: boolean
  readonly fileNames: readonly string[]
}

/**
 * Whether the files are meant: only if there is no text.
 *
 * Spreadsheets and word processors add a picture of the text. File managers add the names or paths of the files as text.
 */
export function meansFiles({ text, hasHtml, fileNames }: Pasted): boolean {
  if (fileNames.length === 0) return false
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '')
  return lines.length === 0 || (!hasHtml && lines.every((line) => fileNames.some((name) => namesFile(line, name))))
}

/** `/home/alice/plan.pdf` and `file:///home/alice/the%20plan.pdf` name their files. */
function namesFile(line: string, name: string): boolean {
  const last = line.split(/[/\\]/).at(-1) ?? ''
  return last === name || last === encodeURIComponent(name)
}

export function pastedOf(data: DataTransfer): Pasted {
  return { text: data.getData('text/plain'), hasHtml: data.types.includes('text/html'), fileNames: [...data.files].map(({ name }) => name) }
}
