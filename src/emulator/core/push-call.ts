import { Agent, request as httpRequest } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { KefuError } from '../../errors.js'

/** A request to the channel's callback address. */
export type PushRequest = {
  readonly method: 'GET' | 'POST'
  /** Added to the address. */
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** What the callback address answered. */
export type PushAnswer = { readonly status: number; readonly body: string }

/** Calls of a callback address over connections that are kept. */
export type PushCaller = {
  /** Throws `KEFU_PLATFORM_UNAVAILABLE` with why there is no answer. */
  call(url: URL, request: PushRequest, abort: AbortSignal): Promise<PushAnswer>
  close(): void
}

const ANSWER_LIMIT_BYTES = 64 * 1024

/** A caller of callback addresses. */
export function createPushCaller(): PushCaller {
  const plain = new Agent({ keepAlive: true })
  const tls = new TlsAgent({ keepAlive: true })

  return {
    call(url, { method, query = {}, headers = {}, body }, abort) {
      const target = new URL(url)
      for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
      const isTls = target.protocol === 'https:'
      return new Promise((resolve, reject) => {
        const fail = (error: Error): void => {
          const reason = abort.aborted ? 'it did not answer in time' : error.message
          reject(new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason }, { cause: error }))
        }
        const options = {
          method,
          signal: abort,
          agent: isTls ? tls : plain,
          headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
        }
        const call = (isTls ? httpsRequest : httpRequest)(target, options, response => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > ANSWER_LIMIT_BYTES) call.destroy(new Error('the answer is too large'))
            else chunks.push(chunk)
          })
          response.on('error', fail)
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
          )
        })
        call.on('error', fail)
        call.end(body)
      })
    },
    close() {
      plain.destroy()
      tls.destroy()
    },
  }
}
