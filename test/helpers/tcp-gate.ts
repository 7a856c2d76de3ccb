import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Cleanup } from './tmp-dir.js'

/** An address that stays while the server behind it comes and goes. Answers can be held back, and everything can be cut. */
export class TcpGate {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** The port behind it. */
  port = 0
  /** Whether what comes back from behind is swallowed. */
  isHolding = false
  /** Bytes that went through, and those that were swallowed on the way back. */
  forwarded = 0
  held = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => this.#pipe(socket))
  }

  static async open(t: Cleanup): Promise<TcpGate> {
    const server = createServer()
    const gate = new TcpGate(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.close()
      gate.cut()
    })
    return gate
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #pipe(near: Socket): void {
    const far = connect(this.port, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    near.on('data', chunk => {
      this.forwarded += chunk.length
      far.write(chunk)
    })
    far.on('data', chunk => {
      if (this.isHolding) this.held += chunk.length
      else near.write(chunk)
    })
  }
}
