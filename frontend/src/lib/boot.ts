/** The data that the server puts into the page before its first request: the JSON in its `#boot` element. */

export interface Workspace {
  readonly slug: string
  readonly name: string
  readonly role: string
}

export interface Boot {
  readonly user: { readonly id: number; readonly username: string; readonly is_staff: boolean }
  readonly workspace: Workspace | null
  readonly workspaces: readonly Workspace[]
  readonly language: string
  readonly version: string
  readonly permissions: readonly string[]
}

export function readBoot(): Boot {
  return JSON.parse(document.getElementById('boot')?.textContent ?? '{}') as Boot
}
