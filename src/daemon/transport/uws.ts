import { performance } from 'node:perf_hooks'
import { KefuError } from '../../errors.js'
import { addressText } from './address.js'
import { checkListenOptions, probeBindError } from './bind.js'
import { guardDescriptors } from './descriptor-guard.js'
import { errorSink, type TransportPorts } from './error-sink.js'
import type { Exchange, ExchangeHost } from './exchange.js'
import { type ClientAddress, createClientAddress } from './forwarded.js'
import { CLOSE, LISTENER_CLOSE_MS } from './limits.js'
import type { Listener, ListenOptions, Socket, Transport, TransportHandlers } from './port.js'
import { faultStatus, HeaderReader, type RequestHeaders } from './smuggling.js'
import type { SocketHost } from './socket-host.js'
import { decideUpgrade, isUpgrade } from './upgrade.js'
import { refuseRequest, UwsExchange } from './uws-http.js'
import {
  loadUws,
  type UwsApp,
  type UwsListenSocket,
  type UwsModule,
  type UwsRequest,
  type UwsResponse,
} from './uws-native.js'
import { UwsSocket } from './uws-socket.js'

/** How often it is told that connections fill the open-file limit. */
const CROWDED_TELL_MS = 60_000

/**
 * The network port on uWebSockets.js. Throws `KEFU_CONFIG_INVALID` when its native module is not available here.
 * What version 20.30 does not let kefu do better:
 * - WebSocket frames without a mask, and a message begun inside the fragments of another, are taken instead of refused;
 * - a peer that does not answer a close frame is cut after 4 to 16 s, by the idle timeout;
 * - HTTP/1.0, unknown methods and a request that comes before the answer to the one before it are cut without an answer;
 * - out of file descriptors, new connections wait instead of failing, and waiting for them takes a core.
 */
export function createUwsTransport(ports: TransportPorts = {}): Transport {
  const load = loadUws()
  if (!load.isAvailable) throw new KefuError('KEFU_CONFIG_INVALID', { reason: load.reason })
  const { module } = load
  return {
    name: 'uWebSockets.js',
    async listen(options, handlers) {
      checkListenOptions(options)
      const listener = new UwsListener(module, options, handlers, errorSink(ports))
      if (!listener.bind()) throw await probeBindError(options)
      return listener
    },
  }
}

type SocketData = { readonly kefu: UwsSocket }

/** One listener: routes native callbacks to its sockets and exchanges, and knows which of them are left. */
class UwsListener implements Listener, SocketHost, ExchangeHost {
  readonly host: string
  readonly handlers: TransportHandlers
  readonly backpressureLimitBytes: number
  readonly report: (error: unknown) => void
  readonly #module: UwsModule
  readonly #options: ListenOptions
  readonly #clientAddress: ClientAddress
  readonly #app: UwsApp
  readonly #sockets = new Set<Socket>()
  readonly #exchanges = new Set<Exchange>()
  #listening: UwsListenSocket | undefined
  #isStopping = false
  #crowdedToldAt = Number.NEGATIVE_INFINITY
  #endGuard: (() => void) | undefined
  #port = 0
  #closing: Promise<void> | undefined
  #allReleased: (() => void) | undefined

  constructor(
    module: UwsModule,
    options: ListenOptions,
    handlers: TransportHandlers,
    report: (error: unknown) => void,
  ) {
    this.host = options.host
    this.handlers = handlers
    this.backpressureLimitBytes = options.backpressureLimitBytes
    this.report = report
    this.#module = module
    this.#options = options
    this.#clientAddress = createClientAddress(options.trustedProxies ?? [], peer => handlers.forwardedIgnored?.(peer))
    this.#app = this.#createApp()
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

  /** Whether the address could be bound. */
  bind(): boolean {
    const { port, descriptorLimit } = this.#options
    if (!this.#listen(port)) return false
    if (descriptorLimit !== undefined) {
      // The native side has no say in what it accepts: without a listening socket nothing comes.
      this.#endGuard = guardDescriptors(descriptorLimit, {
        scarce: () => {
          this.#unlisten()
          if (performance.now() - this.#crowdedToldAt < CROWDED_TELL_MS) return
          this.#crowdedToldAt = performance.now()
          this.report(new KefuError('KEFU_CONNECTIONS_CROWDED', { files: descriptorLimit }))
        },
        // A port that the system chose cannot be listened on again before its last connection has gone.
        plenty: () => this.#listen(this.#port),
      })
    }
    return true
  }

  stopAccepting(): void {
    this.#isStopping = true
    this.#endGuard?.()
    this.#unlisten()
  }

  #listen(port: number): boolean {
    this.#app.listen(this.#options.host, port, this.#module.LIBUS_LISTEN_EXCLUSIVE_PORT, socket => {
      if (socket === false) return
      this.#listening = socket
      this.#port = this.#module.us_socket_local_port(socket)
    })
    return this.#listening !== undefined
  }

  #unlisten(): void {
    const listening = this.#listening
    this.#listening = undefined
    if (listening !== undefined) this.#module.us_listen_socket_close(listening)
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  released(socket: Socket): void {
    this.#sockets.delete(socket)
    if (this.#sockets.size === 0) this.#allReleased?.()
  }

  ended(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  async #closeAll(): Promise<void> {
    this.stopAccepting()
    for (const exchange of [...this.#exchanges]) exchange.cut()
    for (const socket of [...this.#sockets]) socket.close(CLOSE.goingAway, '')
    // Idle HTTP connections and peers that do not answer the close frame are known to the native side only.
    setTimeout(() => this.#app.close(), LISTENER_CLOSE_MS)
    if (this.#sockets.size === 0) return
    await new Promise<void>(resolve => {
      this.#allReleased = resolve
    })
  }

  #createApp(): UwsApp {
    const app = this.#module.App()
    app.ws<SocketData>('/*', {
      compression: this.#module.DISABLED,
      maxPayloadLength: this.#options.inboundFrameLimitBytes,
      maxBackpressure: this.#options.backpressureLimitBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: this.#options.idleTimeoutSeconds,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: ws => ws.kefu.handleOpen(ws),
      message: (ws, message, isBinary) => ws.kefu.handleMessage(message, isBinary),
      drain: ws => ws.kefu.handleDrain(),
      close: (ws, code) => ws.kefu.handleClose(code),
    })
    app.any('/*', (res, req) => this.#request(res, req))
    return app
  }

  #upgrade(res: UwsResponse, req: UwsRequest, context: object): void {
    const headers = this.#headers(req)
    if (headers.fault !== undefined) {
      refuseRequest(res, faultStatus(headers.fault), '')
      return
    }
    const remoteAddress = this.#remoteAddress(res, headers)
    const hasRoom = !this.isStopping && this.#sockets.size < this.#options.connectionLimit
    const attempt = { method: req.getCaseSensitiveMethod(), path: req.getUrl(), headers, remoteAddress, hasRoom }
    const decision = decideUpgrade(attempt, this.handlers, this.report)
    if (!decision.accept) {
      refuseRequest(res, decision.status, decision.message)
      return
    }
    const socket = new UwsSocket(this, remoteAddress, decision.subprotocol, decision.context)
    this.#sockets.add(socket)
    const key = headers.values.get('sec-websocket-key') ?? ''
    res.upgrade<SocketData>({ kefu: socket }, key, decision.subprotocol, '', context)
  }

  #request(res: UwsResponse, req: UwsRequest): void {
    const headers = this.#headers(req)
    if (headers.fault !== undefined) {
      refuseRequest(res, faultStatus(headers.fault), '')
      return
    }
    if (isUpgrade(headers)) {
      refuseRequest(res, 400, '')
      return
    }
    const start = { method: req.getCaseSensitiveMethod(), path: req.getUrl(), query: req.getQuery() ?? '', headers }
    const exchange = new UwsExchange(this, res, start, this.#remoteAddress)
    this.#exchanges.add(exchange)
    exchange.start()
  }

  readonly #remoteAddress = (res: UwsResponse, { values }: RequestHeaders): string =>
    this.#clientAddress(addressText(new Uint8Array(res.getRemoteAddress())), values.get('x-forwarded-for'))

  #headers(req: UwsRequest): RequestHeaders {
    const query = req.getQuery() ?? ''
    const requestLine = `${req.getCaseSensitiveMethod()}${req.getUrl()}${query === '' ? '' : '?'}${query}`
    const reader = new HeaderReader(this.#options.headerLimitBytes, requestLine)
    req.forEach((name, value) => {
      reader.add(name, value)
    })
    return reader.finish()
  }
}
