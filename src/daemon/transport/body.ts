import { isKefuError, KefuError } from '../../errors.js'

/** Chunks are copied together in pieces of this size. */
const PIECE_BYTES = 64 * 1024

type Limits = { readonly limitBytes: number; readonly timeoutMs: number }

type Waiting = {
  readonly limitBytes: number
  readonly timer: NodeJS.Timeout
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: KefuError) => void
}

/**
 * The body of one request on its way to a handler.
 * 1. The transport calls `push` per chunk, `finish` at the end, `abort` when the peer goes away.
 * 2. The handler calls `read` once, before or after any of these.
 * 3. After the body was refused (`discard`, over the limit, too late) chunks are thrown away.
 */
export class RequestBody {
  readonly #declaredBytes: number | undefined
  readonly #onWanted: () => void
  /** All but the last one are full. */
  #pieces: Buffer[] = []
  #bytes = 0
  #receivedBytes = 0
  #waiting: Waiting | undefined
  #fault: KefuError | undefined
  #isArrived: boolean
  #isAsked = false
  #isRead: boolean

  /** `declaredBytes` is `undefined` when chunked, 0 without a body. `onWanted` is called when the transport should go on reading. */
  constructor(declaredBytes: number | undefined, onWanted: () => void) {
    this.#declaredBytes = declaredBytes
    this.#onWanted = onWanted
    this.#isArrived = declaredBytes === 0
    this.#isRead = declaredBytes === 0
  }

  /** Whether the last byte has come. */
  get isArrived(): boolean {
    return this.#isArrived
  }

  /** Whether the whole body reached the handler, or there is none. */
  get isRead(): boolean {
    return this.#isRead
  }

  /** Bytes that wait for a handler that has not asked yet. */
  get aheadBytes(): number {
    return this.#isAsked ? 0 : this.#bytes
  }

  /** Bytes that have come; once the body is refused, no more are counted. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Whether chunks are thrown away. */
  get isRefused(): boolean {
    return this.#fault !== undefined
  }

  /** The status with which `error` is answered when it is the reason why `read` failed; `undefined` when it is not. */
  statusOf(error: unknown): 408 | 413 | undefined {
    if (error !== this.#fault) return undefined
    if (isKefuError(error, 'KEFU_BODY_TOO_LARGE')) return 413
    return isKefuError(error, 'KEFU_TIMEOUT') ? 408 : undefined
  }

  /**
   * Copies a chunk. Kept as they come, chunks would take as much memory as the peer likes: how small they are is its choice, and an object for each byte takes
   * some hundred times that byte.
   */
  push(chunk: Uint8Array): void {
    if (this.#fault !== undefined) return
    this.#receivedBytes += chunk.byteLength
    for (let at = 0; at < chunk.byteLength; ) {
      const filled = this.#bytes % PIECE_BYTES
      if (filled === 0) this.#pieces.push(this.#piece())
      const part = chunk.subarray(at, at + PIECE_BYTES - filled)
      this.#pieces.at(-1)?.set(part, filled)
      this.#bytes += part.byteLength
      at += part.byteLength
    }
    if (this.#waiting !== undefined && this.#bytes > this.#waiting.limitBytes) this.#refuse(tooLarge(this.#waiting))
  }

  /** Room for the next bytes: as many as can still come, where it is known. */
  #piece(): Buffer {
    const leftBytes = (this.#declaredBytes ?? Number.POSITIVE_INFINITY) - this.#bytes
    return leftBytes < PIECE_BYTES ? Buffer.allocUnsafe(Math.max(1, leftBytes)) : Buffer.allocUnsafeSlow(PIECE_BYTES)
  }

  finish(): void {
    this.#isArrived = true
    this.#settle()
  }

  abort(): void {
    this.#refuse(new KefuError('KEFU_ABORTED'))
  }

  /** Throws away what came and what will come: the response is decided. */
  discard(): void {
    this.#refuse(new KefuError('KEFU_ABORTED'))
    this.#onWanted()
  }

  /** See `HttpRequest.body`. A second call is a bug: `KEFU_INTERNAL`. */
  read(limits: Limits): Promise<Uint8Array> {
    const body = new Promise<Uint8Array>((resolve, reject) => this.#start(limits, resolve, reject))
    // A handler may stop waiting for the body; that must not count as an unhandled rejection.
    body.catch(ignore)
    return body
  }

  #start(limits: Limits, resolve: (body: Uint8Array) => void, reject: (error: KefuError) => void): void {
    const { limitBytes, timeoutMs } = limits
    if (this.#isAsked) {
      reject(new KefuError('KEFU_INTERNAL', { reason: 'a request body was read twice' }))
      return
    }
    this.#isAsked = true
    if (this.#fault !== undefined) {
      reject(this.#fault)
      return
    }
    const timer = setTimeout(() => this.#refuse(tooSlow(limits)), timeoutMs)
    this.#waiting = { limitBytes, timer, resolve, reject }
    if (Math.max(this.#bytes, this.#declaredBytes ?? 0) > limitBytes) this.#refuse(tooLarge(limits))
    else if (this.#isArrived) this.#settle()
    else this.#onWanted()
  }

  #settle(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    clearTimeout(waiting.timer)
    this.#isRead = true
    const pieces = this.#pieces
    this.#pieces = []
    const [first] = pieces
    const isOne = pieces.length === 1 && first !== undefined
    waiting.resolve(isOne ? first.subarray(0, this.#bytes) : Buffer.concat(pieces, this.#bytes))
  }

  #refuse(fault: KefuError): void {
    if (this.#fault !== undefined || this.#isRead) return
    this.#fault = fault
    this.#pieces = []
    this.#bytes = 0
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    clearTimeout(waiting.timer)
    waiting.reject(fault)
  }
}

function tooLarge(limits: { readonly limitBytes: number }): KefuError {
  return new KefuError('KEFU_BODY_TOO_LARGE', { limit: limits.limitBytes })
}

function tooSlow(limits: Limits): KefuError {
  return new KefuError('KEFU_TIMEOUT', { what: 'the request body', timeoutMs: limits.timeoutMs })
}

function ignore(): void {}
