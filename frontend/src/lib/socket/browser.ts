/** A thin shell around Connection: WebSocket, timers and browser events. */
import { Connection, type Surroundings, type Transport, type TransportEvents } from './connection'

const connections = new Map<string, Connection>()

/**
 * The connection to an endpoint, such as `/ws/dashboard/`. It opens immediately and reconnects by itself.
 *
 * A page has one connection per endpoint. Further calls return the same one, with its subscriptions.
 */
export function openConnection(path: string, workspace: string | null): Connection {
  const url = new URL(path, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  if (workspace !== null) url.searchParams.set('workspace', workspace)
  const known = connections.get(url.href)
  if (known !== undefined && known.state.kind !== 'stopped') return known
  const connection = open(url)
  connections.set(url.href, connection)
  return connection
}

function open(url: URL): Connection {
  const connection = new Connection(surroundings(url))
  addEventListener('online', () => connection.networkChanged(true))
  addEventListener('offline', () => connection.networkChanged(false))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.wokeUp()
  })
  // A page restored from the back-forward cache has a dead socket.
  addEventListener('pageshow', (event) => {
    if (event.persisted) connection.wokeUp()
  })
  connection.start()
  return connection
}

function surroundings(url: URL): Surroundings {
  return {
    // performance.now() stops while most devices sleep.
    now: Date.now,
    random: Math.random,
    online: () => navigator.onLine,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    connect: (events) => connect(url, events),
    async sessionIsValid() {
      const response = await fetch('/api/v1/me/', { headers: { Accept: 'application/json' } })
      return response.status !== 401 && response.status !== 403
    },
  }
}

function connect(url: URL, events: TransportEvents): Transport {
  const socket = new WebSocket(url)
  socket.onmessage = (message: MessageEvent<unknown>) => {
    if (typeof message.data === 'string') events.received(message.data)
  }
  socket.onclose = (close) => events.closed(close.code)
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close: (code) => socket.close(code),
  }
}
