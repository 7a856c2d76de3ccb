import { KefuError } from '../errors.js'
import { addressKey } from './engine/limits/rate-limit.js'
import { createTally } from './engine/limits/tally.js'
import type { TransportHandlers } from './transport/port.js'

/**
 * Handlers that let one address (as limits tell addresses apart) have no more than `limit()` sockets open at once: further upgrades are answered 429 with
 * `KEFU_RATE_LIMITED` in their text, before anything is kept for them. The limit is asked for at each upgrade; a lower one closes no socket that is open.
 */
export function limitSocketsPerAddress(handlers: TransportHandlers, limit: () => number): TransportHandlers {
  const open = createTally()
  const { code, message, status } = new KefuError('KEFU_RATE_LIMITED', { what: 'connections from this address' })
  const refusal = { accept: false, status, message: `${code}: ${message}` } as const
  return {
    ...handlers,
    upgrade: request => (open.of(addressKey(request.remoteAddress)) < limit() ? handlers.upgrade(request) : refusal),
    opened(socket) {
      open.add(addressKey(socket.remoteAddress))
      handlers.opened(socket)
    },
    closed(socket, code) {
      open.remove(addressKey(socket.remoteAddress))
      handlers.closed(socket, code)
    },
  }
}
