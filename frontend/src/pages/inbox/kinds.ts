/** The kinds of notifications, with the server's labels. */
export interface Kind {
  readonly name: string
  readonly label: string
  /** Whether the user had one of this kind when the page was opened. */
  readonly known: boolean
}
