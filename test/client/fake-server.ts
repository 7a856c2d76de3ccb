import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { formatConversationId } from '../../src/codec/conversation-id.js'
import { decodeFrame, decodeJsonFrame, encodeFrame, encodeJsonFrame } from '../../src/codec/frame.js'
import {
  type ClientFrame,
  type ClientKind,
  type ErrorBody,
  type InboxEntry,
  type ServerBodies,
  type ServerKind,
  SOCKET_PATH,
  SUBPROTOCOLS,
  type WelcomeBody,
  WIRE_LIMITS,
  type WireEntry,
} from '../../src/codec/wire.js'
import { parseClientFrame } from '../../src/codec/wire-schema.js'
import { type ErrorCode, KefuError } from '../../src/errors.js'

/** How long a test waits for anything that has to come. */
/** Long enough for a program that starts on a busy machine. */
const WAIT_MS = 30_000

type FrameOf<K extends ClientKind> = Extract<ClientFrame, { readonly kind: K }>

/** A server that does only what a test tells it to. */
export type FakeServer = {
  readonly url: string
  /** The next connection, in order. */
  accept(): Promise<Peer>
  /** Connections made so far. */
  readonly accepted: number
  close(): Promise<void>
}

/** One connection at the server's side. */
export type Peer = {
  readonly subprotocol: string
  /** The next frame, which must be of this kind. */
  expect<K extends ClientKind>(kind: K): Promise<FrameOf<K>>
  /** The next frame of this kind; others before it go on waiting. */
  until<K extends ClientKind>(kind: K): Promise<FrameOf<K>>
  /** Frames that have come and were not taken. */
  readonly waiting: readonly ClientFrame[]
  send<K extends ServerKind>(kind: K, body: ServerBodies[K], correlation?: number, channel?: number): void
  fail(code: ErrorCode, correlation: number, extra?: Partial<ErrorBody>): void
  sendRaw(data: Uint8Array | string): void
  ping(): void
  close(code: number, reason?: string): void
  /** Drops the connection without a close frame. */
  terminate(): void
  readonly closed: Promise<number>
}

/** Starts a server on a free port of loopback. */
export async function startFakeServer(): Promise<FakeServer> {
  const sockets = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    path: SOCKET_PATH,
    maxPayload: WIRE_LIMITS.clientFrameBytes,
    handleProtocols: offered =>
      [...offered].find(name => (Object.values(SUBPROTOCOLS) as string[]).includes(name)) ?? false,
  })
  await new Promise(resolve => sockets.once('listening', resolve))
  const peers = new Mailbox<Peer>()
  let accepted = 0
  sockets.on('connection', socket => {
    accepted++
    peers.put(createPeer(socket))
  })
  const { port } = sockets.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    accept: () => peers.take('a connection'),
    get accepted() {
      return accepted
    },
    close() {
      for (const client of sockets.clients) client.terminate()
      return new Promise((resolve, reject) => sockets.close(error => (error ? reject(error) : resolve())))
    },
  }
}

function createPeer(socket: WebSocket): Peer {
  const isJson = socket.protocol === SUBPROTOCOLS.json
  const frames = new Mailbox<ClientFrame>()
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  socket.on('message', (data: RawData, isBinary: boolean) => {
    assert.equal(isBinary, !isJson)
    const bytes = data as Buffer
    frames.put(parseClientFrame(isJson ? decodeJsonFrame(bytes.toString()) : decodeFrame(bytes)))
  })
  const peer: Peer = {
    subprotocol: socket.protocol,
    async expect(kind) {
      const frame = await frames.take(`a ${kind} frame`)
      assert.equal(frame.kind, kind, `unexpected ${JSON.stringify(frame)}`)
      return frame as never
    },
    async until(kind) {
      return (await frames.take(`a ${kind} frame`, frame => frame.kind === kind)) as never
    },
    get waiting() {
      return frames.waiting
    },
    send(kind, body, correlation = 0, channel = 7) {
      socket.send(
        isJson ? encodeJsonFrame(channel, kind, correlation, body) : encodeFrame(channel, kind, correlation, body),
      )
    },
    fail(code, correlation, extra = {}) {
      const { message, hint, retryable } = new KefuError(code).report()
      peer.send('error', { code, message, hint, retryable, ...extra }, correlation)
    },
    sendRaw: data => socket.send(data),
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    closed,
  }
  return peer
}

type Taker<Item> = { readonly wants: (item: Item) => boolean; readonly take: (item: Item) => void }

/** Things in order, for takers in order. */
class Mailbox<Item> {
  readonly #items: Item[] = []
  readonly #takers: Taker<Item>[] = []

  get waiting(): readonly Item[] {
    return this.#items
  }

  put(item: Item): void {
    const at = this.#takers.findIndex(({ wants }) => wants(item))
    if (at < 0) this.#items.push(item)
    else this.#takers.splice(at, 1)[0]!.take(item)
  }

  take(what: string, wants: (item: Item) => boolean = () => true): Promise<Item> {
    const at = this.#items.findIndex(wants)
    if (at >= 0) return Promise.resolve(this.#items.splice(at, 1)[0]!)
    return new Promise((resolve, reject) => {
      const taker: Taker<Item> = {
        wants,
        take(item) {
          clearTimeout(timer)
          resolve(item)
        },
      }
      const timer = setTimeout(() => {
        this.#takers.splice(this.#takers.indexOf(taker), 1)
        reject(new Error(`${what} did not come within ${WAIT_MS} ms`))
      }, WAIT_MS)
      this.#takers.push(taker)
    })
  }
}

/** A conversation id for a small number. */
export function conversationId(number: number): `c_${string}` {
  return formatConversationId(Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? number : 1)))
}

/** The conversation that most tests use. */
export const CONVERSATION = conversationId(1)

/** A visitor's welcome. */
export function visitorWelcome(n: number, extra: Partial<WelcomeBody> = {}): WelcomeBody {
  const channels = [{ number: 7, name: 'site', kind: 'web' }]
  return {
    role: 'visitor',
    session: 's1',
    serverTime: 1_760_000_000_000,
    channels,
    conversation: CONVERSATION,
    n,
    ...extra,
  }
}

/** An agent's welcome. */
export function agentWelcome(cursor: string): WelcomeBody {
  const channels = [{ number: 7, name: 'site', kind: 'web' }]
  return {
    role: 'agent',
    session: 's2',
    serverTime: 1_760_000_000_000,
    channels,
    cursor,
    agent: { id: 'a_1', name: '小王' },
  }
}

/** An app's welcome. */
export function appWelcome(cursor: string): WelcomeBody {
  return {
    role: 'app',
    session: 's3',
    serverTime: 1_760_000_000_000,
    channels: [{ number: 9, name: 'shop', kind: 'app' }],
    cursor,
  }
}

/** A conversation in the agent's inbox. */
export function inboxEntry(number: number, n: number, extra: Partial<InboxEntry> = {}): InboxEntry {
  return {
    conversation: conversationId(number),
    channel: 7,
    contact: `v_${number}`,
    n,
    at: 1_760_000_000_000 + number,
    state: 'active',
    agent: 'a_1',
    cursor: `0:${100 + number}`,
    ...extra,
  }
}

/** A message of the contact. */
export function contactMessage(n: number, text = `m${n}`, id?: string): WireEntry {
  const record = { type: 'message', by: { role: 'contact' as const }, parts: [{ type: 'text' as const, text }] }
  return { n, at: 1_760_000_000_000 + n, record: id === undefined ? record : { ...record, id } }
}

/** A message of an agent. */
export function agentMessage(n: number, text = `m${n}`, id?: string): WireEntry {
  const by = { role: 'agent' as const, id: 'a_1', name: '小王' }
  const record = { type: 'message', by, parts: [{ type: 'text' as const, text }] }
  return { n, at: 1_760_000_000_000 + n, record: id === undefined ? record : { ...record, id } }
}

/** What a contact sees of an internal record. */
export function stub(n: number): WireEntry {
  return { n, at: 1_760_000_000_000 + n, record: { type: 'internal' } }
}

/** Waits for a condition. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not happen within ${WAIT_MS} ms`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
