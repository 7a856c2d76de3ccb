import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket as TcpSocket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Readable } from 'node:stream'
import { Exchange, type ExchangeHost, type RequestStart } from './exchange.js'
import { BODY_FLOOR_BYTES, HTTP_STALL_MS, LINGER_MS } from './limits.js'
import { chunkBytes, destroyQuietly, endedEarly, type ResponsePlan, wrongLength } from './response.js'
import type { RequestHeaders } from './smuggling.js'

const WRITE_STALL_MS = HTTP_STALL_MS * 0.6

/**
 * An exchange on node:http.
 * 1. `start` asks the handler. The body is read only when the handler asks for it.
 * 2. When the body was not read, the answer says `connection: close`, and the rest of the body is thrown away for a moment before the
 *    connection ends: unread bytes would turn its end into a reset, which can eat the answer.
 * 3. `ended` once: the response is complete, or the peer is gone.
 */
export class WsExchange extends Exchange {
  override readonly remoteAddress: string
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #tcp: TcpSocket
  /** The whole response went to the kernel. `finish` and `writableFinished` say so after a cut, too. */
  #isFinished = false
  #isGone = false
  #stream: Readable | undefined
  #windowBytes: number
  #windowStartMs: number

  constructor(
    host: ExchangeHost,
    req: IncomingMessage,
    res: ServerResponse,
    headers: RequestHeaders,
    remoteAddress: string,
  ) {
    super(host, requestStart(req, headers))
    this.remoteAddress = remoteAddress
    this.#req = req
    this.#res = res
    this.#tcp = req.socket
    this.#windowBytes = req.socket.bytesRead
    this.#windowStartMs = performance.now()
  }

  start(): void {
    const req = this.#req
    req.on('error', ignore)
    this.#res.on('error', ignore)
    this.#res.on('finish', () => {
      this.#isFinished = !this.#tcp.destroyed
    })
    this.#res.on('close', () => this.#gone())
    if (!this.incoming.isArrived) {
      req.on('data', chunk => this.incoming.push(chunk))
      req.on('end', () => this.incoming.finish())
      req.pause()
    }
    this.ask()
  }

  override cut(): void {
    this.#tcp.destroy()
  }

  protected override resumeBody(): void {
    this.#req.resume()
  }

  /** Cuts a connection whose request body does not come at the least rate. Called every now and then. */
  sweep(nowMs: number): void {
    if (this.#req.complete || nowMs - this.#windowStartMs < HTTP_STALL_MS) return
    const bytes = this.#tcp.bytesRead
    if (bytes - this.#windowBytes < BODY_FLOOR_BYTES) this.#tcp.destroy()
    this.#windowBytes = bytes
    this.#windowStartMs = nowMs
  }

  protected override send(plan: ResponsePlan): void {
    const res = this.#res
    if (!this.incoming.isRead) this.incoming.discard()
    for (const [name, value] of plan.headers) res.setHeader(name, value)
    if (plan.contentLength !== undefined) res.setHeader('content-length', plan.contentLength)
    if (this.isLast) res.setHeader('connection', 'close')
    res.writeHead(plan.status)
    this.#watchStall()
    if (plan.stream !== undefined) this.#pump(plan.stream, plan.contentLength)
    else this.#end(plan.bytes)
  }

  #pump(stream: Readable, totalBytes: number | undefined): void {
    const res = this.#res
    let bytes = 0
    if (stream.errored !== null || stream.destroyed) {
      this.#fault(stream.errored ?? endedEarly())
      return
    }
    this.#stream = stream
    res.flushHeaders()
    res.on('drain', () => stream.resume())
    stream.on('data', data => {
      if (this.#isGone) return
      try {
        const chunk = chunkBytes(data)
        bytes += chunk.byteLength
        if (totalBytes !== undefined && bytes > totalBytes) return this.#fault(wrongLength())
        if (!res.write(chunk)) stream.pause()
      } catch (error) {
        this.#fault(error)
      }
    })
    stream.on('end', () => {
      this.#stream = undefined
      if (totalBytes !== undefined && bytes !== totalBytes) this.#fault(wrongLength())
      else this.#end(undefined)
    })
    stream.on('error', error => this.#fault(error))
    stream.on('close', () => {
      if (this.#stream !== undefined) this.#fault(endedEarly())
    })
  }

  /** Ends the response; when a part of the request is still on its way, after a moment of throwing that away. */
  #end(bytes: Uint8Array | undefined): void {
    const res = this.#res
    if (this.incoming.isRead || this.#req.complete) {
      res.end(bytes)
      return
    }
    res.flushHeaders()
    if (bytes !== undefined && bytes.byteLength > 0) res.write(bytes)
    const timer = setTimeout(() => res.end(), LINGER_MS)
    this.#req.once('end', () => res.end())
    res.once('close', () => clearTimeout(timer))
  }

  /** A socket's timeout passes once or twice before it is told: the first only shows that bytes went since. */
  #watchStall(): void {
    const onTimeout = (): void => {
      if (this.#tcp.writableLength > 0) this.#tcp.destroy()
      else this.#res.setTimeout(WRITE_STALL_MS)
    }
    this.#res.setTimeout(WRITE_STALL_MS, onTimeout)
  }

  #fault(error: unknown): void {
    if (this.#isGone) return
    this.#isGone = true
    this.host.report(error)
    this.#tcp.destroy()
  }

  #gone(): void {
    this.#isGone = true
    destroyQuietly(this.#stream)
    this.#stream = undefined
    if (this.#isFinished) this.incoming.abort()
    else this.abort()
    this.host.ended(this)
  }
}

function requestStart(req: IncomingMessage, headers: RequestHeaders): RequestStart {
  const url = req.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: req.method ?? 'GET',
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? '' : url.slice(mark + 1),
    headers,
  }
}

function ignore(): void {}
