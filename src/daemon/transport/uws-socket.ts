import { checkCloseCode, closeReason, frameCount, framePayload } from './fragments.js'
import { CLOSE, FRAME_LIMIT_BYTES } from './limits.js'
import type { Socket } from './port.js'
import type { SocketHost } from './socket-host.js'
import type { UwsSendStatus, UwsWebSocket } from './uws-native.js'

const SENT: UwsSendStatus = 1
const DROPPED: UwsSendStatus = 2

/**
 * One WebSocket of uWebSockets.js.
 * 1. Made at upgrade; `handleOpen` gives it the native socket.
 * 2. `close`, `terminate`, a full buffer or the peer take the native socket away: from then on it is closed and touches nothing native.
 * 3. `handlers.closed`, never from inside one of its own methods, then `host.released`.
 */
export class UwsSocket implements Socket {
  context: unknown
  readonly remoteAddress: string
  readonly subprotocol: string
  readonly #host: SocketHost
  #native: UwsWebSocket | undefined
  #isCorked = false
  /** A close asked for inside `cork`: the native socket would keep its FIN until the idle timeout. */
  #deferredClose: { readonly code: number; readonly reason: string } | undefined
  #closeCode: number | undefined
  #isLeaving = false

  constructor(host: SocketHost, remoteAddress: string, subprotocol: string, context: unknown) {
    this.#host = host
    this.remoteAddress = remoteAddress
    this.subprotocol = subprotocol
    this.context = context
  }

  get isOpen(): boolean {
    return this.#native !== undefined && this.#deferredClose === undefined
  }

  get bufferedBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0
  }

  send(data: Uint8Array | string): boolean {
    const native = this.#native
    if (native === undefined || this.#deferredClose !== undefined) return false
    const isBinary = typeof data !== 'string'
    // Not left to the native side: it would send half a surrogate pair as invalid UTF-8.
    const payload = isBinary ? data : Buffer.from(data)
    if (payload.byteLength > FRAME_LIMIT_BYTES) return this.#sendFragments(native, payload, isBinary)
    return this.#accept(native, native.send(payload, isBinary, false))
  }

  cork(write: () => void): void {
    const native = this.#native
    if (native === undefined || this.#deferredClose !== undefined) return
    if (this.#isCorked) {
      write()
      return
    }
    this.#isCorked = true
    try {
      native.cork(write)
    } finally {
      this.#isCorked = false
      this.#closeDeferred()
    }
  }

  close(code: number, reason: string): void {
    checkCloseCode(code)
    const native = this.#native
    if (native === undefined || this.#deferredClose !== undefined) return
    if (this.#isCorked) {
      this.#deferredClose = { code, reason }
      return
    }
    this.#leave(code)
    native.end(code, closeReason(reason))
    this.#isLeaving = false
  }

  terminate(): void {
    this.#cut(CLOSE.abnormal)
  }

  /** The native socket is open. */
  handleOpen(native: UwsWebSocket): void {
    this.#native = native
    try {
      this.#host.handlers.opened(this)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A message came; `message` is detached afterwards. */
  handleMessage(message: ArrayBuffer, isBinary: boolean): void {
    if (!this.isOpen) return
    try {
      this.#host.handlers.message(this, Buffer.from(message), isBinary)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The kernel took some of what waited. */
  handleDrain(): void {
    if (!this.isOpen || this.bufferedBytes > 0) return
    try {
      this.#host.handlers.drained(this)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The native socket closed, by the peer, by a fault or from inside `close` and `terminate`. */
  handleClose(code: number): void {
    this.#native = undefined
    this.#deferredClose = undefined
    this.#closeCode ??= code
    if (this.#isLeaving) queueMicrotask(() => this.#notifyClosed())
    else this.#notifyClosed()
  }

  #closeDeferred(): void {
    const close = this.#deferredClose
    this.#deferredClose = undefined
    if (close !== undefined) this.close(close.code, close.reason)
  }

  #notifyClosed(): void {
    try {
      this.#host.handlers.closed(this, this.#closeCode ?? CLOSE.abnormal)
    } catch (error) {
      this.#host.report(error)
    }
    this.#host.released(this)
  }

  #sendFragments(native: UwsWebSocket, payload: Uint8Array, isBinary: boolean): boolean {
    const last = frameCount(payload.byteLength) - 1
    if (!this.#accept(native, native.sendFirstFragment(framePayload(payload, 0), isBinary, false))) return false
    for (let index = 1; index < last; index++) {
      if (!this.#accept(native, native.sendFragment(framePayload(payload, index), false))) return false
    }
    return this.#accept(native, native.sendLastFragment(framePayload(payload, last), false))
  }

  #accept(native: UwsWebSocket, status: UwsSendStatus): boolean {
    if (status === SENT) return true
    if (status !== DROPPED && native.getBufferedAmount() <= this.#host.backpressureLimitBytes) return true
    this.#cut(CLOSE.overflow)
    return false
  }

  #fail(error: unknown): void {
    this.#host.report(error)
    this.#cut(CLOSE.abnormal)
  }

  #cut(code: number): void {
    const native = this.#native
    if (native === undefined) return
    this.#leave(code)
    native.close()
    this.#isLeaving = false
  }

  #leave(code: number): void {
    this.#native = undefined
    this.#deferredClose = undefined
    this.#closeCode = code
    this.#isLeaving = true
  }
}
