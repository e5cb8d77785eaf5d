/** The REST API as pages use it. */

/** The API refused, or could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

/** GET a path under /api/v1/. Raises: ApiError. */
export async function get<T>(path: string, workspace: string | null): Promise<T> {
  const url = new URL(`/api/v1/${path}`, location.href)
  if (workspace !== null) url.searchParams.set('workspace', workspace)
  let response: Response
  try {
    response = await fetch(url, { headers: { Accept: 'application/json' }, credentials: 'same-origin' })
  } catch {
    throw new ApiError(0, 'unreachable')
  }
  if (!response.ok) throw new ApiError(response.status, response.statusText)
  return (await response.json()) as T
}
