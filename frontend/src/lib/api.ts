/** The REST client of the pages. */

type Errors = Readonly<Record<string, readonly string[]>>

/** The API refused the request, or could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** The server's explanation. */
    message: string,
    readonly errors: Errors = {},
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

type Query = Readonly<Record<string, string>>

/** GET a path under /api/v1/. Raises: ApiError. */
export async function get<T>(path: string, workspace: string | null, query: Query = {}): Promise<T> {
  return (await request('GET', path, workspace, undefined, query)) as T
}

/** POST, PATCH or DELETE JSON to a path under /api/v1/; undefined if the response has no body. Raises: ApiError. */
export async function send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, workspace: string | null, body?: object): Promise<T> {
  return (await request(method, path, workspace, body)) as T
}

/** POST to a path under /api/v1/ from a page that is about to be left; the request continues after that. Raises: ApiError. */
export async function sendLeaving<T>(path: string, workspace: string | null): Promise<T> {
  return (await request('POST', path, workspace, undefined, {}, true)) as T
}

async function request(method: string, path: string, workspace: string | null, body?: object, query: Query = {}, keepalive = false): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(urlOf(path, workspace, query), {
      method,
      headers: {
        Accept: 'application/json',
        ...(body && { 'Content-Type': 'application/json' }),
        ...(method !== 'GET' && { 'X-CSRFToken': csrfToken() }),
      },
      credentials: 'same-origin',
      keepalive,
      ...(body && { body: JSON.stringify(body) }),
    })
  } catch {
    throw new ApiError(0, 'unreachable')
  }
  if (!response.ok) throw errorOf(response.status, response.statusText, await response.text().catch(() => ''))
  return response.status === 204 ? undefined : await response.json()
}

export interface Upload<T> {
  readonly done: Promise<T>
  cancel(): void
}

/** POST a form with a file, reporting the progress (0 to 1). `done` rejects with ApiError; status 0 also means cancelled. */
export function upload<T>(path: string, workspace: string | null, form: FormData, progress: (share: number) => void): Upload<T> {
  // fetch() cannot report upload progress.
  const sending = new XMLHttpRequest()
  const done = new Promise<T>((resolve, reject) => {
    sending.upload.onprogress = (event) => progress(event.total > 0 ? event.loaded / event.total : 0)
    sending.onload = () => {
      if (sending.status >= 200 && sending.status < 300) resolve(JSON.parse(sending.responseText) as T)
      else reject(errorOf(sending.status, sending.statusText, sending.responseText))
    }
    sending.onerror = sending.onabort = () => reject(new ApiError(0, 'unreachable'))
  })
  sending.open('POST', urlOf(path, workspace))
  sending.setRequestHeader('Accept', 'application/json')
  sending.setRequestHeader('X-CSRFToken', csrfToken())
  sending.send(form)
  return { done, cancel: () => sending.abort() }
}

function urlOf(path: string, workspace: string | null, query: Query = {}): URL {
  const url = new URL(`/api/v1/${path}`, location.href)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  if (workspace !== null) url.searchParams.set('workspace', workspace)
  return url
}

/** From the shell's own forms, because scripts may not be allowed to read the cookie. */
function csrfToken(): string {
  return document.querySelector<HTMLInputElement>('input[name="csrfmiddlewaretoken"]')?.value ?? ''
}

/** The error in a problem document, or one made from the status if the body is not such a document. */
function errorOf(status: number, statusText: string, body: string): ApiError {
  try {
    const problem = JSON.parse(body) as { detail?: unknown; title?: unknown; errors?: unknown }
    const errors = typeof problem.errors === 'object' && problem.errors !== null ? (problem.errors as Errors) : {}
    const first = Object.values(errors)[0]
    const detail = Array.isArray(first) && typeof first[0] === 'string' ? first[0] : (problem.detail ?? problem.title)
    return new ApiError(status, typeof detail === 'string' ? detail : statusText, errors)
  } catch {
    return new ApiError(status, statusText)
  }
}
