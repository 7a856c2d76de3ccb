import type { TestContext } from 'node:test'
import type { Listener, ListenOptions, Socket, Transport, TransportHandlers } from '../../src/daemon/transport/port.js'
import { KefuError } from '../../src/errors.js'

/** Makes a transport that reports bugs to `onError`. */
export type TransportFactory = (ports: { readonly onError: (error: unknown) => void }) => Transport

/** What a transport cannot do: `true` when it can, else the reason why a case is skipped. */
export type TransportCapabilities = {
  readonly refusesUnmaskedFrames: true | string
  /** A frame that begins a message while the fragments of another are not complete. */
  readonly refusesInterleavedMessages: true | string
}

/** A transport under test. */
export type Subject = { readonly factory: TransportFactory; readonly capabilities: TransportCapabilities }

/** A listener and everything that happened on it. */
export type Bench = {
  readonly listener: Listener
  readonly port: number
  readonly opened: Socket[]
  readonly messages: { readonly socket: Socket; readonly bytes: Uint8Array; readonly isBinary: boolean }[]
  readonly drained: Socket[]
  readonly closed: { readonly socket: Socket; readonly code: number }[]
  /** What went to `onError`. */
  readonly reported: unknown[]
}

/** Bounds small enough that a test reaches them. */
export const TEST_OPTIONS: ListenOptions = {
  host: '127.0.0.1',
  port: 0,
  inboundFrameLimitBytes: 64 * 1024,
  backpressureLimitBytes: 256 * 1024,
  idleTimeoutSeconds: 120,
  connectionLimit: 100,
  headerLimitBytes: 4096,
}

/**
 * Opens a listener that accepts every upgrade with the first subprotocol offered and answers every request 404, unless `handlers` say
 * otherwise; what is given is called after the event was written down. Closed at the end of the test.
 */
export async function openBench(
  t: TestContext,
  subject: Subject,
  handlers: Partial<TransportHandlers> = {},
  options: Partial<ListenOptions> = {},
): Promise<Bench> {
  const events = { opened: [], messages: [], drained: [], closed: [], reported: [] } as unknown as Bench
  const transport = subject.factory({ onError: error => events.reported.push(error) })
  const listener = await transport.listen(
    { ...TEST_OPTIONS, ...options },
    {
      upgrade:
        handlers.upgrade ??
        (request => ({ accept: true, subprotocol: request.subprotocols[0] ?? '', context: undefined })),
      opened: socket => {
        events.opened.push(socket)
        handlers.opened?.(socket)
      },
      message: (socket, bytes, isBinary) => {
        events.messages.push({ socket, bytes: Buffer.from(bytes), isBinary })
        handlers.message?.(socket, bytes, isBinary)
      },
      drained: socket => {
        events.drained.push(socket)
        handlers.drained?.(socket)
      },
      closed: (socket, code) => {
        events.closed.push({ socket, code })
        handlers.closed?.(socket, code)
      },
      forwardedIgnored: peer => handlers.forwardedIgnored?.(peer),
      request: handlers.request ?? (() => ({ status: 404 })),
    },
  )
  t.after(async () => {
    // Raw peers do not answer close frames; waiting for them is a case of its own.
    for (const socket of events.opened) socket.terminate()
    await listener.close()
  })
  return Object.assign(events, { listener, port: listener.port })
}

/** Repeatable bytes: the same for the same `seed` and length, different for neighbouring seeds. */
export function patternBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = (seed * 2654435761 + 12345) >>> 0
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

/** A message that shows its place in a row: 4 bytes of number, then a pattern. */
export function numberedBytes(index: number, length: number): Buffer {
  const bytes = patternBytes(Math.max(length, 4), index)
  bytes.writeUInt32BE(index)
  return bytes
}

/** The code of a KefuError, for assertions. */
export function codeOf(error: unknown): string {
  return error instanceof KefuError ? error.code : String(error)
}
