/** The data that the server puts into the page before its first request: the JSON in its `#boot` element. */

export interface Workspace {
  readonly slug: string
  readonly name: string
  readonly role: string
}

/** A page of the navigation that this user sees. */
export interface PageLink {
  readonly name: string
  readonly label: string
  readonly url: string
  /** A symbol of icons.svg; empty if the page has no icon. */
  readonly icon: string
  /** The name of the parent page, which precedes this one in the list. */
  readonly parent: string | null
  /** The key of the number beside it. */
  readonly badge: string | null
}

export interface Boot {
  readonly user: { readonly id: number; readonly username: string; readonly is_staff: boolean }
  readonly workspace: Workspace | null
  readonly workspaces: readonly Workspace[]
  readonly pages: readonly PageLink[]
  readonly language: string
  readonly version: string
  readonly permissions: readonly string[]
}

export function readBoot(): Boot {
  return JSON.parse(document.getElementById('boot')?.textContent ?? '{}') as Boot
}
