import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Cleanup } from './tmp-dir.js'

/** A TCP server that misbehaves as it is told: what it does with a connection is for the caller. */
export type PlatformHost = {
  readonly port: number
  readonly url: string
  /** Connections that were ever made, and of them those that stand. */
  readonly accepted: number
  readonly open: number
  /** All bytes that came. */
  received(): string
  close(): Promise<void>
}

/** Listens on 127.0.0.1. `serve` is called for each connection. */
export async function platformHost(
  test: Cleanup,
  serve: (socket: Socket, connection: number) => void,
): Promise<PlatformHost> {
  const sockets = new Set<Socket>()
  let accepted = 0
  let received = ''
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
    serve(socket, accepted++)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  test.after(close)
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    get accepted() {
      return accepted
    },
    get open() {
      return sockets.size
    },
    received: () => received,
    close,
  }
}

/** Answers every request head that comes over a connection with these bytes; requests with a body have to come in one piece. */
export function answering(...answers: readonly string[]): (socket: Socket) => void {
  return socket => {
    let count = 0
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('\r\n\r\n')) socket.write(answers[Math.min(count++, answers.length - 1)] ?? '')
    })
  }
}

/** The bytes of an answer with a body of known length. */
export function answerText(body: string, status = '200 OK', headers: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, `content-length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n')
}
