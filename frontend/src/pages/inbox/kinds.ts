/** Kinds of notifications that the server knows, in its words. */
export interface Kind {
  readonly name: string
  readonly label: string
  /** Whether this user had one when the page was opened. */
  readonly known: boolean
}
