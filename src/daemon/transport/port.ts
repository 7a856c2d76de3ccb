import type { Readable } from 'node:stream'

/**
 * The network port: one listener for WebSockets and HTTP on one address. Implementations: `uws.ts` (uWebSockets.js) and `ws.ts` (`ws` + node:http);
 * `test/conformance/transport.suite.ts` holds both to the guarantees written here.
 */
export type Transport = {
  /** `uWebSockets.js` or `ws`: what `kefu daemon status` shows. */
  readonly name: string
  /**
   * Binds exclusively (a second process on the same address fails) and starts serving.
   * Throws `KEFU_PORT_TAKEN`, `KEFU_PORT_REFUSED` (no permission, no such address).
   */
  listen(options: ListenOptions, handlers: TransportHandlers): Promise<Listener>
}

/** Where to listen and the bounds of every connection. Port 0 picks a free one. */
export type ListenOptions = {
  readonly host: string
  readonly port: number
  /** Largest WebSocket message accepted from a peer; a larger one closes the socket. */
  readonly inboundFrameLimitBytes: number
  /** Bytes that may wait for a slow peer; passing it closes the socket (code 1013 or 1006). Never drops a single message silently. */
  readonly backpressureLimitBytes: number
  /** A peer from which nothing came for this long (not even a pong) is closed. Seconds, 8 to 960. */
  readonly idleTimeoutSeconds: number
  /** Open WebSockets above this are refused with 503 at upgrade. */
  readonly connectionLimit: number
  /**
   * Connections that send nothing count as files, too: while this many files are open, none is accepted, so that what is left remains for the store. Without
   * a number, or where the system has no such limit, all are.
   */
  readonly descriptorLimit?: number | undefined
  /** Largest header block of an HTTP request; more is answered 431 or closed. */
  readonly headerLimitBytes: number
  /**
   * Addresses and CIDR networks of proxies whose `X-Forwarded-For` says where a request comes from; nobody's when left out. Every `remoteAddress` is
   * then the client's: see `forwarded.ts`.
   */
  readonly trustedProxies?: readonly string[]
}

/** A bound listener. */
export type Listener = {
  readonly host: string
  /** The port really bound. */
  readonly port: number
  /** WebSockets open now. */
  readonly connections: number
  /** Stops accepting; open sockets and running requests go on. Idempotent. */
  stopAccepting(): void
  /** Stops accepting, closes what is open (1001) and resolves when every socket's `closed` has been called. Idempotent. */
  close(): Promise<void>
}

/** What the owner of a listener does with it. No handler may throw; one that does is a bug which closes only the socket concerned. */
export type TransportHandlers = {
  /** Decides synchronously on an upgrade request. A subprotocol must be one the client offered. */
  upgrade(request: UpgradeRequest): UpgradeDecision
  /** A socket is open. It keeps the `context` given in the decision. */
  opened(socket: Socket): void
  /**
   * One whole WebSocket message (fragments joined). `bytes` are the transport's buffer and good during the call only: decode, or copy.
   * Text messages are valid UTF-8. Not called after `Socket.close` or `terminate`.
   */
  message(socket: Socket, bytes: Buffer, isBinary: boolean): void
  /** The peer has read everything that was buffered: `bufferedBytes` is 0 or small again. */
  drained(socket: Socket): void
  /**
   * Exactly once for each opened socket; nothing is called for it afterwards. Never from inside one of the socket's own methods.
   * `code` is the peer's, or the one given to `Socket.close`; 1013 when too much waited, 1006 when the connection was cut or lost.
   */
  closed(socket: Socket, code: number): void
  /** A peer that is no trusted proxy sent `X-Forwarded-For`, which was not believed. Called at each such request and upgrade. */
  forwardedIgnored?(peer: string): void
  /** Answers a plain HTTP request. A rejected promise is answered 500 without details. */
  request(request: HttpRequest): Promise<HttpResponse> | HttpResponse
}

/** An upgrade request, headers in lower case. */
export type UpgradeRequest = {
  readonly path: string
  readonly origin: string | undefined
  /** Subprotocols offered, in the client's order. */
  readonly subprotocols: readonly string[]
  readonly remoteAddress: string
  /** A header's value; the values of a header sent more than once are joined with `, `. */
  header(name: string): string | undefined
}

/** The answer to an upgrade: accept with a subprotocol and any context, or refuse with an HTTP status and a short text. */
export type UpgradeDecision =
  | { readonly accept: true; readonly subprotocol: string; readonly context: unknown }
  | { readonly accept: false; readonly status: number; readonly message: string }

/** One open WebSocket. Every method is safe after the socket closed (it does nothing). */
export type Socket = {
  readonly remoteAddress: string
  readonly subprotocol: string
  context: unknown
  readonly isOpen: boolean
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly bufferedBytes: number
  /**
   * Sends one message, uncompressed, in order. A payload above 15 KiB goes out as WebSocket fragments of at most 15 KiB.
   * `false` when the socket is closed or the limit of waiting bytes was passed, which closes it; `true` otherwise.
   * `data` is taken by value: the caller may use its bytes again. A string is a text message, bytes are a binary one.
   */
  send(data: Uint8Array | string): boolean
  /** Runs `write` so that the sends inside leave in as few system calls as possible. Synchronous. */
  cork(write: () => void): void
  /**
   * Closes with a WebSocket close frame after what was sent; the transport cuts a peer that does not answer within a few seconds (4 to 16 on
   * uWebSockets.js). `reason` is cut to 123 bytes of UTF-8. Throws `KEFU_INTERNAL` for a code that a close frame may not carry.
   */
  close(code: number, reason: string): void
  /** Cuts the connection at once. */
  terminate(): void
}

/** A plain HTTP request. Smuggling attempts (two Content-Length, any Transfer-Encoding but `chunked`, both at once) never reach a handler: 400 and close. */
export type HttpRequest = {
  readonly method: string
  /** Path without the query, not decoded. */
  readonly path: string
  readonly query: URLSearchParams
  /** Empty when it is asked for the first time after the exchange has ended. */
  readonly remoteAddress: string
  header(name: string): string | undefined
  /**
   * The whole body, once. Throws `KEFU_BODY_TOO_LARGE` (answered 413) above the limit, keeping no more of it, and `KEFU_TIMEOUT` (408) when
   * it does not arrive within `timeoutMs`. `KEFU_ABORTED` when the peer went away. A body slower than 16 KiB/s counts as gone after 10 s.
   */
  body(limits: { readonly limitBytes: number; readonly timeoutMs: number }): Promise<Uint8Array>
  /** Bytes of the body that have come; once it is refused, no more are counted. */
  readonly bodyBytes: number
  /** Aborted when the peer goes away before the response is complete. */
  readonly signal: AbortSignal
}

/**
 * An HTTP response. A stream is read no faster than the peer takes it and is destroyed when the peer goes away or takes nothing for about 10 s;
 * with a `content-length` header it must have that length, else it goes out chunked. Other headers that frame the message are dropped.
 */
export type HttpResponse = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | Readable
}
