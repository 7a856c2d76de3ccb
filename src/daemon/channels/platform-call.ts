import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import { KefuError } from '../../errors.js'
import type { PlatformRequest, PlatformResponse } from '../core/channel-adapter.js'
import { hostOf, isNotPublic } from './foreign-link.js'
import { GrowingBytes } from './growing-bytes.js'
import { wordsOfFailure } from './network-failure.js'

/** Kept connections by scheme. */
export type Connections = { readonly http: HttpAgent; readonly https: HttpsAgent }

/** Of a host, in errors. */
const HOST_CHARACTERS = 100

/**
 * One call.
 * 1. `run` is called once: it asks for a connection, and the deadline begins.
 * 2. From the moment at which a connection stands (with TLS: is trusted) the request counts as written; on a kept one, from the start.
 * 3. It ends once, by the last byte of the answer, a failure, the deadline or the abort. Whatever has not been used up by then is destroyed.
 */
export class PlatformCall {
  readonly #input: PlatformRequest
  readonly #url: URL
  readonly #connections: Connections
  #request: ClientRequest | undefined
  #isWritten = false
  #isDone = false
  #finish: ((error: KefuError | undefined, response?: PlatformResponse) => void) | undefined

  constructor(input: PlatformRequest, url: URL, connections: Connections) {
    this.#input = input
    this.#url = url
    this.#connections = connections
  }

  /** See `PlatformHttp`. */
  run(abort: AbortSignal): Promise<PlatformResponse> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = this.#input
      const timer = setTimeout(() => this.#end(this.#failure(`no whole answer within ${timeoutMs} ms`)), timeoutMs)
      const onAbort = () => this.#end(this.#isWritten ? this.#failure('interrupted') : new KefuError('KEFU_ABORTED'))
      abort.addEventListener('abort', onAbort)
      this.#finish = (error, response) => {
        clearTimeout(timer)
        abort.removeEventListener('abort', onAbort)
        if (response === undefined) reject(error)
        else resolve(response)
      }
      this.#start()
    })
  }

  #start(): void {
    const { body } = this.#input
    const isHttps = this.#url.protocol === 'https:'
    const options: RequestOptions = {
      ...urlToHttpOptions(this.#url),
      method: this.#input.method,
      headers: this.#headers(),
      agent: isHttps ? this.#connections.https : this.#connections.http,
    }
    let request: ClientRequest
    try {
      request = isHttps ? httpsRequest(options) : httpRequest(options)
    } catch {
      // The error tells which header is wrong, and perhaps more.
      this.#end(
        new KefuError('KEFU_PLATFORM_REFUSED', { reason: 'a header or path has characters that HTTP cannot carry' }),
      )
      return
    }
    this.#request = request
    request.on('socket', socket => this.#watch(socket))
    request.on('error', error => this.#end(isNotPublic(error) ? this.#refusal() : this.#failure(wordsOfFailure(error))))
    request.on('response', response => this.#read(response))
    request.on('upgrade', (_, socket) => {
      socket.destroy()
      this.#end(this.#failure('the answer is not HTTP'))
    })
    request.end(body)
  }

  #watch(socket: Socket & { readonly secureConnecting?: boolean }): void {
    const isStanding = !socket.destroyed && !socket.connecting && socket.secureConnecting !== true
    if (isStanding) this.#isWritten = true
    else
      socket.once(this.#url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        this.#isWritten = true
      })
  }

  #headers(): Readonly<Record<string, string | number>> {
    const { body, method, headers } = this.#input
    const hasLength = body !== undefined || method === 'POST'
    const length = !hasLength ? {} : { 'content-length': Buffer.byteLength(body ?? '') }
    return { 'user-agent': 'kefu', 'accept-encoding': 'identity', ...headers, ...length }
  }

  #read(response: IncomingMessage): void {
    const { limitBytes } = this.#input
    const tooLarge = () => this.#end(new KefuError('KEFU_BODY_TOO_LARGE', { limit: limitBytes }))
    const bytes = new GrowingBytes(limitBytes)
    response.on('data', (chunk: Buffer) => {
      if (!bytes.push(chunk)) tooLarge()
    })
    response.on('error', error => this.#end(this.#failure(wordsOfFailure(error))))
    response.on('close', () => this.#end(this.#failure('the connection was closed before the end of the answer')))
    response.on('end', () => {
      if (response.complete) this.#end(undefined, answerOf(response, bytes.take()))
    })
    if (Number(response.headers['content-length'] ?? 0) > limitBytes) tooLarge()
  }

  #failure(reason: string): KefuError {
    return new KefuError('KEFU_PLATFORM_UNAVAILABLE', {
      reason: `${this.#host()}: ${reason}`,
      written: this.#isWritten ? 'perhaps' : 'no',
    })
  }

  #refusal(): KefuError {
    return new KefuError('KEFU_PLATFORM_REFUSED', { reason: `${this.#host()} has no public address` })
  }

  #host(): string {
    return hostOf(this.#url).slice(0, HOST_CHARACTERS)
  }

  #end(error: KefuError | undefined, response?: PlatformResponse): void {
    if (this.#isDone) return
    this.#isDone = true
    const request = this.#request
    // An answer that came before the end of the request leaves a connection that nobody can use.
    if (error !== undefined || request?.writableFinished !== true) request?.destroy()
    this.#finish?.(error, response)
  }
}

function answerOf(response: IncomingMessage, bytes: Uint8Array): PlatformResponse {
  const { statusCode = 0, headers } = response
  return {
    status: statusCode,
    header: name => {
      const value = headers[name.toLowerCase()]
      return typeof value === 'string' ? value : value?.join(', ')
    },
    bytes,
  }
}
