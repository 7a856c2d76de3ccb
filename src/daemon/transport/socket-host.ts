import type { Socket, TransportHandlers } from './port.js'

/** What a socket of either transport needs of its listener. */
export type SocketHost = {
  readonly handlers: TransportHandlers
  readonly backpressureLimitBytes: number
  readonly report: (error: unknown) => void
  /** Called once, after `handlers.closed`. */
  released(socket: Socket): void
}
