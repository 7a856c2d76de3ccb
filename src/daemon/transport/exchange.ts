import { STATUS_CODES } from 'node:http'
import { isKefuError } from '../../errors.js'
import { RequestBody } from './body.js'
import type { HttpRequest, HttpResponse, TransportHandlers } from './port.js'
import { abandonResponse, plainPlan, planResponse, type ResponsePlan } from './response.js'
import type { RequestHeaders } from './smuggling.js'

/** What an exchange needs of its listener. */
export type ExchangeHost = {
  readonly handlers: TransportHandlers
  readonly report: (error: unknown) => void
  /** Whether connections are to be closed after their response. */
  readonly isStopping: boolean
  /** Called once, when nothing of the exchange is left. */
  ended(exchange: Exchange): void
}

/** The start of a request as it was parsed. */
export type RequestStart = {
  readonly method: string
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly headers: RequestHeaders
}

/**
 * One HTTP request and its response: what is the same on every transport.
 * 1. `ask` gives the request to the handler; `incoming` takes its body.
 * 2. The answer is planned and goes to `send`. A rejection is answered 500, or 413 or 408 when it is the fault of reading the body.
 * 3. `abort` when the peer is gone before the response is complete: body, signal and whatever the handler still answers are given up.
 */
export abstract class Exchange implements HttpRequest {
  readonly method: string
  readonly path: string
  protected readonly host: ExchangeHost
  protected readonly headers: RequestHeaders
  protected readonly incoming: RequestBody
  readonly #queryText: string
  #query: URLSearchParams | undefined
  #abort: AbortController | undefined
  #isAborted = false

  constructor(host: ExchangeHost, start: RequestStart) {
    this.method = start.method
    this.path = start.path
    this.host = host
    this.headers = start.headers
    this.incoming = new RequestBody(start.headers.contentLength, () => this.resumeBody())
    this.#queryText = start.query
  }

  abstract get remoteAddress(): string

  /** Cuts the connection. */
  abstract cut(): void

  /** Whether the body was paused or never started, it is wanted now. */
  protected abstract resumeBody(): void

  /** Sends a response; called at most once, never after `abort`. */
  protected abstract send(plan: ResponsePlan): void

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#queryText)
    return this.#query
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#isAborted) this.#abort.abort()
    }
    return this.#abort.signal
  }

  header(name: string): string | undefined {
    return this.headers.values.get(name.toLowerCase())
  }

  body(limits: { readonly limitBytes: number; readonly timeoutMs: number }): Promise<Uint8Array> {
    return this.incoming.read(limits)
  }

  get bodyBytes(): number {
    return this.incoming.receivedBytes
  }

  /** Whether the peer asked for the connection to end with this response. */
  protected get isLastForPeer(): boolean {
    return this.headers.values.get('connection')?.toLowerCase() === 'close'
  }

  /** Whether the response must say that the connection ends with it. */
  protected get isLast(): boolean {
    return !this.incoming.isRead || this.host.isStopping || this.isLastForPeer
  }

  protected ask(): void {
    let answer: Promise<HttpResponse> | HttpResponse
    try {
      answer = this.host.handlers.request(this)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (!(answer instanceof Promise)) {
      this.#respond(answer)
      return
    }
    answer.then(
      response => this.#respond(response),
      error => this.#fail(error),
    )
  }

  protected abort(): void {
    this.#isAborted = true
    this.incoming.abort()
    this.#abort?.abort()
  }

  #respond(response: HttpResponse): void {
    if (this.#isAborted) {
      abandonResponse(response)
      return
    }
    let plan: ResponsePlan
    try {
      plan = planResponse(response, this.method)
    } catch (error) {
      abandonResponse(response)
      this.#fail(error)
      return
    }
    this.send(plan)
  }

  #fail(error: unknown): void {
    const status = this.incoming.statusOf(error)
    const isExpected = status !== undefined || (this.#isAborted && isAbortion(error))
    if (!isExpected) this.host.report(error)
    if (this.#isAborted) return
    this.send(plainPlan(status ?? 500, STATUS_CODES[status ?? 500] ?? '', this.method))
  }
}

function isAbortion(error: unknown): boolean {
  return isKefuError(error, 'KEFU_ABORTED') || (error instanceof Error && error.name === 'AbortError')
}
