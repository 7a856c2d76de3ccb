import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { plainAddress } from './address.js'
import { bindError, checkListenOptions } from './bind.js'
import { errorSink, type TransportPorts } from './error-sink.js'
import type { Exchange, ExchangeHost } from './exchange.js'
import { type ClientAddress, createClientAddress } from './forwarded.js'
import { CLOSE, CLOSE_TIMEOUT_MS, HTTP_STALL_MS, LISTENER_CLOSE_MS } from './limits.js'
import type { Listener, ListenOptions, Socket, Transport, TransportHandlers } from './port.js'
import { faultStatus, HeaderReader, type RequestHeaders } from './smuggling.js'
import type { SocketHost } from './socket-host.js'
import { decideUpgrade, isUpgrade, type UpgradeAcceptance } from './upgrade.js'
import { WsExchange } from './ws-http.js'
import { WsSocket } from './ws-socket.js'

const SWEEP_MS = 1_000
/** Connections that are no WebSockets, or not yet. */
const PLAIN_CONNECTIONS = 256

/** The network port on `ws` and node:http, for every platform that Node runs on. */
export function createWsTransport(ports: TransportPorts = {}): Transport {
  return {
    name: 'ws',
    async listen(options, handlers) {
      checkListenOptions(options)
      const listener = new WsListener(options, handlers, errorSink(ports))
      await listener.bind()
      return listener
    },
  }
}

/** One listener: the HTTP server, its open sockets and running exchanges, and the sweep that cuts silent peers. */
class WsListener implements Listener, SocketHost, ExchangeHost {
  readonly host: string
  readonly handlers: TransportHandlers
  readonly backpressureLimitBytes: number
  readonly report: (error: unknown) => void
  readonly #options: ListenOptions
  readonly #clientAddress: ClientAddress
  readonly #server: Server
  readonly #upgrader: WebSocketServer
  readonly #sockets = new Set<WsSocket>()
  readonly #exchanges = new Set<WsExchange>()
  /** Connections on which a request was refused: nothing that follows on them is looked at. */
  readonly #refused = new WeakSet<TcpSocket>()
  #sweeper: NodeJS.Timeout | undefined
  #accepted: UpgradeAcceptance | undefined
  #isStopping = false
  #port = 0
  #closing: Promise<void> | undefined
  #allReleased: (() => void) | undefined

  constructor(options: ListenOptions, handlers: TransportHandlers, report: (error: unknown) => void) {
    this.host = options.host
    this.handlers = handlers
    this.backpressureLimitBytes = options.backpressureLimitBytes
    this.report = report
    this.#options = options
    this.#clientAddress = createClientAddress(options.trustedProxies ?? [], peer => handlers.forwardedIgnored?.(peer))
    this.#server = this.#createServer()
    const upgraderOptions: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.inboundFrameLimitBytes,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: () => this.#accepted?.subprotocol || false,
    }
    this.#upgrader = new WebSocketServer(upgraderOptions)
  }

  get port(): number {
    return this.#port
  }

  get connections(): number {
    return this.#sockets.size
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Binds, or throws as `Transport.listen` does. */
  async bind(): Promise<void> {
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(bindError(this.#options, error))
      server.once('error', failed)
      server.listen({ host: this.#options.host, port: this.#options.port, exclusive: true }, () => {
        server.off('error', failed)
        resolve()
      })
    })
    // Out of file descriptors and the like: the listener goes on.
    server.on('error', this.report)
    this.#port = (server.address() as AddressInfo).port
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  stopAccepting(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#server.close()
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  released(socket: Socket): void {
    this.#sockets.delete(socket as WsSocket)
    if (this.#sockets.size === 0) this.#allReleased?.()
  }

  ended(exchange: Exchange): void {
    this.#exchanges.delete(exchange as WsExchange)
  }

  async #closeAll(): Promise<void> {
    this.stopAccepting()
    this.#server.closeAllConnections()
    for (const socket of [...this.#sockets]) socket.close(CLOSE.goingAway, '')
    if (this.#sockets.size > 0) {
      const cut = setTimeout(() => {
        for (const socket of [...this.#sockets]) socket.terminate()
      }, LISTENER_CLOSE_MS)
      await new Promise<void>(resolve => {
        this.#allReleased = resolve
      })
      clearTimeout(cut)
    }
    clearInterval(this.#sweeper)
  }

  #createServer(): Server {
    const server = createServer({
      maxHeaderSize: this.#options.headerLimitBytes,
      headersTimeout: HTTP_STALL_MS,
      // A body may take as long as it keeps to the least rate: see WsExchange.sweep.
      requestTimeout: 0,
      keepAliveTimeout: HTTP_STALL_MS,
      connectionsCheckingInterval: SWEEP_MS,
    })
    // 0: as many as fit into `maxHeaderSize`. Otherwise the rest is dropped silently, and with it perhaps a second Content-Length.
    server.maxHeadersCount = 0
    if (this.#options.descriptorLimit !== undefined)
      server.maxConnections = Math.min(this.#options.descriptorLimit, this.#options.connectionLimit + PLAIN_CONNECTIONS)
    server.on('request', (req, res) => this.#request(req, res))
    server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket as TcpSocket, head))
    return server
  }

  #request(req: IncomingMessage, res: ServerResponse): void {
    if (this.#refused.has(req.socket)) return
    const headers = this.#headers(req)
    if (headers.fault !== undefined || isUpgrade(headers) || !req.url?.startsWith('/')) {
      this.#refused.add(req.socket)
      const status = headers.fault === undefined ? 400 : faultStatus(headers.fault)
      res.writeHead(status, { connection: 'close', 'content-length': 0 }).end()
      return
    }
    const exchange = new WsExchange(this, req, res, headers, this.#remoteAddress(req.socket, headers))
    this.#exchanges.add(exchange)
    exchange.start()
  }

  #upgrade(req: IncomingMessage, tcp: TcpSocket, head: Buffer): void {
    tcp.on('error', ignore)
    if (this.#refused.has(tcp)) return
    const headers = this.#headers(req)
    if (headers.fault !== undefined) {
      refuse(tcp, faultStatus(headers.fault), '')
      return
    }
    const remoteAddress = this.#remoteAddress(tcp, headers)
    const decision = decideUpgrade(
      {
        method: req.method ?? '',
        path: req.url?.split('?', 1)[0] ?? '',
        headers,
        remoteAddress,
        hasRoom: !this.#isStopping && this.#sockets.size < this.#options.connectionLimit,
      },
      this.handlers,
      this.report,
    )
    if (!decision.accept) {
      refuse(tcp, decision.status, decision.message)
      return
    }
    this.#accepted = decision
    this.#upgrader.handleUpgrade(req, tcp, head, ws => this.#open(ws, tcp, remoteAddress, decision.context))
    this.#accepted = undefined
  }

  #open(ws: WebSocket, tcp: TcpSocket, remoteAddress: string, context: unknown): void {
    const socket = new WsSocket(this, ws, tcp, remoteAddress, context, performance.now())
    this.#sockets.add(socket)
    socket.start()
  }

  #remoteAddress(tcp: TcpSocket, { values }: RequestHeaders): string {
    return this.#clientAddress(plainAddress(tcp.remoteAddress), values.get('x-forwarded-for'))
  }

  #headers(req: IncomingMessage): RequestHeaders {
    const reader = new HeaderReader(this.#options.headerLimitBytes, `${req.method}${req.url}`)
    const raw = req.rawHeaders
    for (let at = 0; at < raw.length; at += 2) reader.add((raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '')
    return reader.finish()
  }

  #sweep(): void {
    const nowMs = performance.now()
    const idleMs = this.#options.idleTimeoutSeconds * 1_000
    for (const socket of this.#sockets) socket.sweep(nowMs, idleMs)
    for (const exchange of this.#exchanges) exchange.sweep(nowMs)
  }
}

function refuse(tcp: TcpSocket, status: number, message: string): void {
  const body = Buffer.from(message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${body.byteLength}`,
    'connection: close',
  ]
  tcp.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), () => tcp.destroy())
}

function ignore(): void {}
