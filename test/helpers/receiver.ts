import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cleanup } from './tmp-dir.js'

/** A call that came, in the order in which calls came. */
export type Received = {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: ReceivedBody
}

/** What kefu's calls hold, as far as tests look at it. */
export type ReceivedBody = {
  readonly id: string
  readonly hook?: string
  readonly bot?: string
  readonly conversation?: string
  readonly n?: number
  readonly contact?: string
  readonly record?: { readonly type: string; readonly by?: { readonly role: string }; readonly parts?: readonly Part[] }
  readonly messages?: readonly { readonly n: number; readonly parts: readonly Part[] }[]
}

type Part = { readonly type: string; readonly text?: string; readonly name?: string; readonly data?: object }

/** A server of somebody else on loopback, that keeps what it is sent. */
export type Receiver = {
  readonly url: string
  readonly received: readonly Received[]
  /** Decides what becomes of calls from now on; nothing is answered while it has not ended the response. */
  answer: (call: Received, response: ServerResponse) => void
  close(): Promise<void>
}

/** Listens on 127.0.0.1, on a port of its own or a given one, and answers 200 to everything unless it is told otherwise. */
export async function openReceiver(
  test: Cleanup,
  { port = 0, answer = (_, response) => void response.end() }: { port?: number; answer?: Receiver['answer'] } = {},
): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const call = { headers: request.headers, text, body: JSON.parse(text) as ReceivedBody }
      received.push(call)
      receiver.answer(call, response)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  test.after(close)
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    received,
    answer,
    close,
  }
  return receiver
}
