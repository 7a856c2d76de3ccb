import type { Socket as TcpSocket } from 'node:net'
import { WebSocket } from 'ws'
import { checkCloseCode, closeReason, frameCount, framePayload } from './fragments.js'
import { CLOSE, FRAME_LIMIT_BYTES } from './limits.js'
import type { Socket } from './port.js'
import type { SocketHost } from './socket-host.js'

const BINARY = { binary: true } as const
const TEXT = { binary: false } as const

/**
 * One WebSocket of `ws`.
 * 1. Made after the handshake; `start` attaches it and calls `handlers.opened`.
 * 2. `close`, `terminate`, a full buffer, a fault or the peer: from then on it is closed, nothing more is sent or delivered.
 * 3. `handlers.closed`, then `host.released`, when the connection is gone.
 */
export class WsSocket implements Socket {
  context: unknown
  readonly remoteAddress: string
  readonly subprotocol: string
  readonly #host: SocketHost
  readonly #ws: WebSocket
  readonly #tcp: TcpSocket
  #isCorked = false
  /** Something had to wait since `drained` was called. */
  #isPressed = false
  /** One for all messages; the TCP socket's own `drain` is silent about less than 16 KiB. */
  readonly #written = (): void => this.#drained()
  #closeCode: number | undefined
  #seenBytes = 0
  #seenAtMs: number
  #isPinged = false

  constructor(host: SocketHost, ws: WebSocket, tcp: TcpSocket, remoteAddress: string, context: unknown, nowMs: number) {
    this.#host = host
    this.#ws = ws
    this.#tcp = tcp
    this.#seenAtMs = nowMs
    this.remoteAddress = remoteAddress
    this.subprotocol = ws.protocol
    this.context = context
  }

  get isOpen(): boolean {
    return this.#closeCode === undefined && this.#ws.readyState === WebSocket.OPEN
  }

  get bufferedBytes(): number {
    return this.#ws.readyState === WebSocket.CLOSED ? 0 : this.#ws.bufferedAmount
  }

  start(): void {
    const ws = this.#ws
    ws.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary))
    ws.on('close', code => this.#closed(code))
    // A fault of the peer or of the network; `close` follows.
    ws.on('error', ignore)
    this.#call(() => this.#host.handlers.opened(this))
  }

  send(data: Uint8Array | string): boolean {
    if (!this.isOpen) return false
    const isBinary = typeof data !== 'string'
    // `ws` keeps what it is given until the kernel takes it; the caller may use its bytes again.
    const payload = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data)
    if (payload.byteLength > FRAME_LIMIT_BYTES) return this.#sendFragments(payload, isBinary)
    this.#ws.send(payload, isBinary ? BINARY : TEXT, this.#written)
    return this.#checkLimit()
  }

  cork(write: () => void): void {
    if (!this.isOpen) return
    if (this.#isCorked) {
      write()
      return
    }
    this.#isCorked = true
    this.#tcp.cork()
    try {
      write()
    } finally {
      this.#isCorked = false
      this.#tcp.uncork()
      this.#checkLimit()
    }
  }

  close(code: number, reason: string): void {
    checkCloseCode(code)
    if (!this.isOpen) return
    this.#closeCode = code
    this.#ws.close(code, closeReason(reason))
  }

  terminate(): void {
    this.#cut(CLOSE.abnormal)
  }

  /** Pings a peer that has been silent for half of `idleMs` and cuts one that has been for all of it. Called every now and then. */
  sweep(nowMs: number, idleMs: number): void {
    const bytes = this.#tcp.bytesRead
    if (bytes !== this.#seenBytes) {
      this.#seenBytes = bytes
      this.#seenAtMs = nowMs
      this.#isPinged = false
      return
    }
    const silentMs = nowMs - this.#seenAtMs
    if (silentMs >= idleMs) this.terminate()
    else if (silentMs >= idleMs / 2 && !this.#isPinged && this.isOpen) {
      this.#isPinged = true
      this.#ws.ping()
    }
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.isOpen) this.#call(() => this.#host.handlers.message(this, data, isBinary))
  }

  #drained(): void {
    if (!this.#isPressed || !this.isOpen || this.bufferedBytes > 0) return
    this.#isPressed = false
    this.#call(() => this.#host.handlers.drained(this))
  }

  #closed(code: number): void {
    this.#closeCode ??= code
    const closeCode = this.#closeCode
    try {
      this.#host.handlers.closed(this, closeCode)
    } catch (error) {
      this.#host.report(error)
    }
    this.#host.released(this)
  }

  #sendFragments(payload: Buffer, isBinary: boolean): boolean {
    const count = frameCount(payload.byteLength)
    for (let index = 0; index < count; index++) {
      this.#ws.send(framePayload(payload, index), { binary: isBinary, fin: index === count - 1 }, this.#written)
      if (!this.#checkLimit()) return false
    }
    return true
  }

  #checkLimit(): boolean {
    const waiting = this.#ws.bufferedAmount
    if (waiting > 0) this.#isPressed = true
    if (waiting <= this.#host.backpressureLimitBytes) return this.isOpen
    if (this.#isCorked) {
      // What waits in the cork has not been offered to the kernel yet.
      this.#tcp.uncork()
      this.#tcp.cork()
      if (this.#ws.bufferedAmount <= this.#host.backpressureLimitBytes) return this.isOpen
    }
    this.#cut(CLOSE.overflow)
    return false
  }

  #cut(code: number): void {
    if (this.#ws.readyState === WebSocket.CLOSED) return
    this.#closeCode ??= code
    this.#ws.terminate()
  }

  #call(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#host.report(error)
      this.#cut(CLOSE.abnormal)
    }
  }
}

function ignore(): void {}
