import type { ClientOptions as WsOptions, WebSocket as WsSocket } from 'ws'
import { importOnNode, isNode } from './platform.js'

/** What a connection reports. After `closed` nothing follows. */
export type SocketHandlers = {
  opened(): void
  /** One whole message: bytes or text. */
  message(data: Uint8Array | string): void
  /** The peer showed that it is there, below the level of messages. Only some platforms tell. */
  heard(): void
  closed(code: number, reason: string): void
}

/** A connection that is being made or stands. */
export type Socket = {
  /** Only between `opened` and `closed`. */
  send(data: Uint8Array | string): void
  /** Starts the closing handshake; `closed` follows when the peer has answered. */
  close(code: number, reason: string): void
  /** Drops the connection as fast as the platform can. */
  terminate(): void
}

/** Opens connections on this platform. */
export type OpenSocket = (url: string, subprotocol: string, handlers: SocketHandlers) => Socket

/** The part of the platform's `WebSocket` class that is used. */
export type WebSocketConstructor = new (url: string, protocols: string | string[]) => WebSocketLike

/** The part of a platform's WebSocket that is used. */
export type WebSocketLike = {
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: Uint8Array<ArrayBuffer> | string): void
  close(code?: number, reason?: string): void
}

/** Largest message that a server's frame can be, JSON escapes included. */
const MESSAGE_LIMIT_BYTES = 1024 * 1024

/** How long a peer may take to answer a close. */
const CLOSE_TIMEOUT_MS = 2_000

/**
 * How to open sockets here: with the given class; on Node with `ws`, which bounds messages and shows pings; elsewhere with the platform's own.
 * Throws what the platform throws when it has none.
 */
export async function loadSockets(webSocket?: WebSocketConstructor): Promise<OpenSocket> {
  if (webSocket !== undefined) return openPlatform(webSocket)
  if (!isNode) return openPlatform(WebSocket as unknown as WebSocketConstructor)
  const { WebSocket: Ws } = (await importOnNode('ws')) as {
    readonly WebSocket: new (
      url: string,
      protocols: string,
      options: WsOptions & { readonly closeTimeout: number },
    ) => WsSocket
  }
  return (url, subprotocol, handlers) =>
    openWs(
      new Ws(url, subprotocol, {
        maxPayload: MESSAGE_LIMIT_BYTES,
        perMessageDeflate: false,
        closeTimeout: CLOSE_TIMEOUT_MS,
      }),
      handlers,
    )
}

function openPlatform(PlatformSocket: WebSocketConstructor): OpenSocket {
  return (url, subprotocol, handlers) => {
    const socket = new PlatformSocket(url, subprotocol)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => handlers.opened()
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      if (typeof data === 'string') handlers.message(data)
      else if (data instanceof ArrayBuffer) handlers.message(new Uint8Array(data))
    }
    // An error is always followed by a close, which says what little the platform tells.
    socket.onerror = () => {}
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) =>
      handlers.closed(code, reason)
    return {
      send: data => socket.send(data as Uint8Array<ArrayBuffer> | string),
      close: (code, reason) => socket.close(code, reason),
      terminate: () => socket.close(),
    }
  }
}

function openWs(socket: WsSocket, handlers: SocketHandlers): Socket {
  let failure = ''
  socket.on('open', () => handlers.opened())
  socket.on('message', (data: Buffer, isBinary: boolean) => handlers.message(isBinary ? data : data.toString()))
  socket.on('ping', () => handlers.heard())
  socket.on('error', error => {
    failure = error.message
  })
  socket.on('close', (code, reason) => handlers.closed(code, reason.length > 0 ? reason.toString() : failure))
  return {
    send: data => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  }
}
