import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { type ServedEmulator, serveEmulator } from '../../src/emulator/core/server.js'
import type { Cleanup } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

/** A request that came to the callback address. */
export type Received = {
  readonly method: string
  readonly query: URLSearchParams
  readonly contentType: string | undefined
  readonly body: string
}

/** A callback address over a real socket. */
export type CallbackServer = {
  readonly url: string
  readonly received: readonly Received[]
  /** What the next ones get: a status with a body, or nothing at all. The last one stays. */
  answer(...answers: readonly CallbackAnswer[]): void
  /** Resolves when so many have come. */
  until(count: number): Promise<void>
}

/** `hold`: the request is read and never answered. */
export type CallbackAnswer = { readonly status: number; readonly body: string } | 'hold'

/** The platform's word for success. */
export const SUCCESS = { status: 200, body: 'success' } as const

/** A callback address that answers `success`, closed with the test. */
export async function callbackServer(test: Cleanup): Promise<CallbackServer> {
  const received: Received[] = []
  let answers: CallbackAnswer[] = [SUCCESS]
  const server = createServer((request, response) => {
    void take(request, response)
  })

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { searchParams } = new URL(request.url ?? '', 'http://callback')
    received.push({
      method: request.method ?? '',
      query: searchParams,
      contentType: request.headers['content-type'],
      body: Buffer.concat(chunks).toString('utf8'),
    })
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!
    if (answer !== 'hold') response.writeHead(answer.status).end(answer.body)
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.after(
    () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback?channel=main`,
    received,
    answer(...given) {
      answers = [...given]
    },
    until: count => until(`${count} requests`, () => received.length >= count),
  }
}

/** An answer of the emulator's API. */
export type ApiReply = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text as a JSON object. */
  readonly json: Readonly<Record<string, unknown>>
}

/** An emulator that is served, with shorthands. */
export type EmulatorRig = ServedEmulator & {
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<ApiReply>
  readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Promise<ApiReply>
}

/** Serves an emulator on a free port; closed with the test. */
export async function serve(test: Cleanup, emulator: PlatformEmulator): Promise<EmulatorRig> {
  const served = await serveEmulator(emulator)
  test.after(() => served.close())
  const call = async (path: string, init: RequestInit): Promise<ApiReply> => {
    const response = await fetch(`${served.origin}${path}`, init)
    const text = await response.text()
    return {
      ...{ status: response.status, headers: response.headers, text },
      get json() {
        return JSON.parse(text) as Readonly<Record<string, unknown>>
      },
    }
  }
  return {
    ...served,
    get: (path, headers = {}) => call(path, { headers }),
    post: (path, body, headers = {}) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}
