import { STATUS_CODES } from 'node:http'
import { Exchange, type ExchangeHost, type RequestStart } from './exchange.js'
import { BODY_AHEAD_BYTES, LINGER_MS } from './limits.js'
import { destroyQuietly, type ResponsePlan } from './response.js'
import type { RequestHeaders } from './smuggling.js'
import type { UwsResponse } from './uws-native.js'
import { UwsPump } from './uws-pump.js'

/** The address that a request came from. */
export type AddressOf = (res: UwsResponse, headers: RequestHeaders) => string

/** Bodies up to this are handed over whole (the native side copies them); larger ones go out as the peer takes them. */
const WHOLE_BODY_BYTES = 64 * 1024

/**
 * An exchange on uWebSockets.js.
 * 1. `start`, inside the native callback: abort and body handlers are attached, then the handler is asked.
 * 2. The body is copied chunk by chunk; when more waits than a handler may leave unread, the connection is paused.
 * 3. The answer goes out corked. When the body was not read, the answer says `connection: close` and the rest of the body is thrown away.
 * 4. `ended` once: the response is complete, or the peer is gone.
 */
export class UwsExchange extends Exchange {
  /** Gone when the native response may not be touched any more. */
  #res: UwsResponse | undefined
  #isPaused = false
  #pump: UwsPump | undefined
  #bodyArrived: (() => void) | undefined
  readonly #addressOf: AddressOf
  #remoteAddress: string | undefined

  constructor(host: ExchangeHost, res: UwsResponse, start: RequestStart, addressOf: AddressOf) {
    super(host, start)
    this.#res = res
    this.#addressOf = addressOf
  }

  /** Asked for when somebody wants it: most handlers do not. Empty when nobody did before the exchange was over. */
  override get remoteAddress(): string {
    this.#remoteAddress ??= this.#res === undefined ? '' : this.#addressOf(this.#res, this.headers)
    return this.#remoteAddress
  }

  /** Must run inside the native request callback. */
  start(): void {
    // Finding the address is what tells of a proxy that is not believed, whoever asks for it.
    if (this.header('x-forwarded-for') !== undefined) void this.remoteAddress
    this.#res?.onAborted(() => this.#aborted())
    if (!this.incoming.isArrived) this.#res?.onData((chunk, isLast) => this.#data(chunk, isLast))
    this.ask()
  }

  override cut(): void {
    this.#res?.close()
  }

  protected override resumeBody(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#res?.resume()
  }

  protected override send(plan: ResponsePlan): void {
    if (this.incoming.isRead) {
      this.#write(plan)
      return
    }
    this.incoming.discard()
    if (this.incoming.isArrived || !this.isLastForPeer) {
      this.#write(plan)
      return
    }
    // The native side closes right after the response; unread bytes would turn that into a reset, which can eat the response.
    const timer = setTimeout(() => this.#bodyArrived?.(), LINGER_MS)
    this.#bodyArrived = () => {
      this.#bodyArrived = undefined
      clearTimeout(timer)
      if (this.#res === undefined) destroyQuietly(plan.stream)
      else this.#write(plan)
    }
  }

  #data(chunk: ArrayBuffer, isLast: boolean): void {
    if (!this.incoming.isRefused && chunk.byteLength > 0) this.incoming.push(new Uint8Array(chunk))
    if (isLast) {
      this.incoming.finish()
      this.#bodyArrived?.()
    } else if (this.incoming.aheadBytes > BODY_AHEAD_BYTES && !this.#isPaused) {
      this.#isPaused = true
      this.#res?.pause()
    }
  }

  #write(plan: ResponsePlan): void {
    const res = this.#res
    if (res === undefined) return
    const source = plan.contentLength === 0 ? undefined : (plan.stream ?? largeBytes(plan.bytes))
    const isWhole = source === undefined && (plan.bytes ?? plan.stream) !== undefined
    // With an unread body the connection stays for the rest of it; a flag on `end` would reset it.
    const shouldCut = isWhole && this.incoming.isRead && this.host.isStopping && !this.isLastForPeer
    res.cork(() => {
      res.writeStatus(`${plan.status} ${STATUS_CODES[plan.status] ?? ''}`)
      for (const [name, value] of plan.headers) res.writeHeader(name, value)
      if (this.isLast && !shouldCut) res.writeHeader('connection', 'close')
      if (source !== undefined) return
      if (!isWhole && plan.contentLength !== undefined) res.writeHeader('content-length', String(plan.contentLength))
      this.#finished()
      if (isWhole) res.end(plan.bytes ?? '', shouldCut)
      else res.endWithoutBody()
    })
    if (source === undefined) {
      destroyQuietly(plan.stream)
      return
    }
    this.#pump = new UwsPump(res, source, plan.contentLength, {
      done: () => this.#finished(),
      failed: error => {
        this.host.report(error)
        this.cut()
      },
    })
    this.#pump.start()
  }

  #finished(): void {
    this.#res = undefined
    this.#pump = undefined
    this.host.ended(this)
  }

  #aborted(): void {
    this.#res = undefined
    this.#pump?.stop()
    this.#pump = undefined
    this.abort()
    this.#bodyArrived?.()
    this.host.ended(this)
  }
}

function largeBytes(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes !== undefined && bytes.byteLength > WHOLE_BODY_BYTES ? bytes : undefined
}

/**
 * Answers a request that no handler may see, and closes the connection. Later than the native callback: inside it the parser would go on
 * with whatever follows in the same packet. What follows before the answer is out makes the native side cut the connection.
 */
export function refuseRequest(res: UwsResponse, status: number, message: string): void {
  let isGone = false
  res.onAborted(() => {
    isGone = true
  })
  setImmediate(() => {
    if (isGone) return
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`)
      res.writeHeader('content-type', 'text/plain; charset=utf-8')
      res.end(message, true)
    })
  })
}
