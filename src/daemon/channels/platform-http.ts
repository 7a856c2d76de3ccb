import { lookup } from 'node:dns'
import { setMaxListeners } from 'node:events'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { KefuError } from '../../errors.js'
import type { PlatformHttp, PlatformRequest } from '../core/channel-adapter.js'
import { assertForeignLink, publicLookup } from './foreign-link.js'
import { type Connections, PlatformCall } from './platform-call.js'

/** Connections to one host at a time, if nothing else is said. */
const SOCKETS_PER_HOST = 32

/** The same for links from outside, and for all of these together. */
const FOREIGN_SOCKETS_PER_HOST = 4
const FOREIGN_SOCKETS = 32

/** Idle connections are closed after this: sooner than servers commonly do, as a request that crosses their closing is lost without a trace. */
const IDLE_MS = 4_000

/** How calls to platforms are made. */
export type PlatformHttpOptions = {
  /** Connections to one host at a time; calls beyond them wait within their deadline. Infinity where each of those who call bounds its own calls, and is not to wait for others. */
  readonly socketsPerHost?: number
  /** Looks names up; the system's by default. */
  readonly lookup?: LookupFunction
}

/** Calls to platforms, with the connections that they keep. */
export type PlatformClient = PlatformHttp & {
  /** Closes all connections: calls under way fail. */
  close(): void
}

/**
 * Calls over `node:http` and `node:https`. Besides what `PlatformHttp` promises:
 *
 * - `KEFU_PLATFORM_UNAVAILABLE` has `written: 'no'` when not one byte of the request has left (name, connection or TLS failed, deadline or end while waiting for a
 *   connection), and `'perhaps'` otherwise. Its reason names the host and what happened; no error holds a URL, header or body.
 * - `KEFU_ABORTED` always means that nothing was written. A call that is aborted later is `KEFU_PLATFORM_UNAVAILABLE`, `'perhaps'`.
 * - `KEFU_PLATFORM_REFUSED`: a link from outside that leads where it must not, or a URL or header that HTTP cannot carry.
 * - Answers are asked for uncompressed.
 */
export function createPlatformHttp(options: PlatformHttpOptions = {}): PlatformClient {
  const { socketsPerHost = SOCKETS_PER_HOST, lookup: lookUp = systemLookup } = options
  const kept = { keepAlive: true, timeout: IDLE_MS, maxSockets: socketsPerHost, lookup: lookUp }
  // Connections of their own: one that was opened to a private address on our own behalf must not serve a link from outside.
  const bounded = { ...kept, maxSockets: FOREIGN_SOCKETS_PER_HOST, maxTotalSockets: FOREIGN_SOCKETS }
  const own = createConnections(kept)
  const foreign = createConnections({ ...bounded, lookup: publicLookup(lookUp) })

  function connectionsFor(request: PlatformRequest, url: URL): Connections {
    if (request.isForeign !== true) return own
    assertForeignLink(url)
    return foreign
  }

  return {
    async call(request, abort) {
      if (abort.aborted) throw new KefuError('KEFU_ABORTED')
      // One signal ends many calls: a warning about that would be noise.
      setMaxListeners(0, abort)
      const url = parseUrl(request.url)
      return await new PlatformCall(request, url, connectionsFor(request, url)).run(abort)
    },
    close() {
      for (const { http, https } of [own, foreign]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

type AgentSettings = {
  readonly keepAlive: boolean
  readonly timeout: number
  readonly maxSockets: number
  readonly maxTotalSockets?: number
  readonly lookup: LookupFunction
}

function createConnections(settings: AgentSettings): Connections {
  return { http: new HttpAgent(settings), https: new HttpsAgent(settings) }
}

/** Looked up per connection, so that a program which replaces the resolver later is heard. */
const systemLookup: LookupFunction = (name, options, callback) => {
  lookup(name, options, callback)
}

function parseUrl(text: string): URL {
  // What does not parse may hold a token, and so would the error of the parser.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new KefuError('KEFU_PLATFORM_REFUSED', { reason: 'an address has to be a URL with http: or https:' })
  return url
}
