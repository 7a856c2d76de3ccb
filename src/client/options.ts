import { SOCKET_PATH, type SUBPROTOCOLS, WIRE_LIMITS } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { type ClientClock, systemClock } from './clock.js'
import type { Decompress } from './platform.js'
import type { WebSocketConstructor } from './socket.js'

/** What every client can be told. Only `url` is needed. */
export type ClientOptions = {
  /** The server: `https://chat.example`, or `ws://` / `wss://`. The socket's path is added when there is none. */
  readonly url: string
  /** Binary frames (default) or JSON text. */
  readonly subprotocol?: keyof typeof SUBPROTOCOLS
  /** Name and version of the program, shown to operators. */
  readonly client?: string
  /** How long an answer to a request may take before the connection counts as dead. Default 15 s; a message's acknowledgement has twice that. */
  readonly requestTimeoutMs?: number
  /** How long a message is tried before `send` rejects with `KEFU_TIMEOUT`. Default 10 minutes. */
  readonly messageTimeoutMs?: number
  /** Messages that may wait, sent or not; past it `send` rejects with `KEFU_QUEUE_FULL`. Default 1,000. */
  readonly outboxLimit?: number
  /** Receipts are sent at most this often. Default 250 ms. */
  readonly receiptIntervalMs?: number
  /** After this long without a sign of life the server is asked for one. Default 20 s for agents and apps, 118 s for visitors. */
  readonly probeAfterMs?: number
  /** How long that may take until the connection is cut. Default 12 s. */
  readonly probeTimeoutMs?: number
  /** Inflates zstd bodies; `false`: the server sends none. Default: what Node can, none in browsers. */
  readonly decompress?: Decompress | false
  /** The platform's WebSocket class, when another one is to be used. */
  readonly webSocket?: WebSocketConstructor
  readonly clock?: ClientClock
  /** Numbers from 0 (inclusive) to 1 (exclusive), for the jitter of reconnects. */
  readonly random?: () => number
}

/** Options with every default filled in. */
export type Settings = Required<Omit<ClientOptions, 'decompress' | 'webSocket' | 'client'>> & {
  readonly client: string | undefined
  readonly decompress: Decompress | false | undefined
  readonly webSocket: WebSocketConstructor | undefined
  /** Address of the server's HTTP side, with a trailing slash. */
  readonly httpUrl: string
  /** Messages that may be unacknowledged per conversation. */
  readonly window: number
}

/** Options as settings. Throws `KEFU_USAGE` for an address that is none. */
export function resolveOptions(options: ClientOptions, probeAfterMs: number): Settings {
  const { socketUrl, httpUrl } = resolveUrl(options.url)
  return {
    url: socketUrl,
    httpUrl,
    subprotocol: options.subprotocol ?? 'binary',
    client: options.client,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    messageTimeoutMs: options.messageTimeoutMs ?? 600_000,
    outboxLimit: options.outboxLimit ?? 1_000,
    receiptIntervalMs: options.receiptIntervalMs ?? 250,
    probeAfterMs: options.probeAfterMs ?? probeAfterMs,
    probeTimeoutMs: options.probeTimeoutMs ?? 12_000,
    decompress: options.decompress,
    webSocket: options.webSocket,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    window: WIRE_LIMITS.unacknowledged,
  }
}

function resolveUrl(text: string): { readonly socketUrl: string; readonly httpUrl: string } {
  if (!URL.canParse(text)) throw new KefuError('KEFU_USAGE', { reason: 'the url is not an address' })
  const url = new URL(text)
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:'
  if (!isSecure && url.protocol !== 'http:' && url.protocol !== 'ws:')
    throw new KefuError('KEFU_USAGE', { reason: 'the url must start with http://, https://, ws:// or wss://' })
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw new KefuError('KEFU_USAGE', { reason: 'the url must not carry credentials or a query' })
  url.hash = ''
  url.pathname = url.pathname.endsWith(SOCKET_PATH) ? url.pathname : url.pathname.replace(/\/*$/, SOCKET_PATH)
  url.protocol = isSecure ? 'wss:' : 'ws:'
  const socketUrl = url.href
  url.protocol = isSecure ? 'https:' : 'http:'
  url.pathname = url.pathname.slice(0, -SOCKET_PATH.length + 1)
  return { socketUrl, httpUrl: url.href }
}
