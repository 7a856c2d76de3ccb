import { createServer } from 'node:net'
import { KefuError } from '../../errors.js'
import type { ListenOptions } from './port.js'

/** Throws `KEFU_CONFIG_INVALID` or `KEFU_PORT_REFUSED` for options that no listener can be made of; uWebSockets.js ends the process on some. */
export function checkListenOptions(options: ListenOptions): void {
  const { host, port, idleTimeoutSeconds } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new KefuError('KEFU_PORT_REFUSED', { host, port, reason: 'a port is a number from 0 to 65535' })
  }
  if (!Number.isInteger(idleTimeoutSeconds) || idleTimeoutSeconds < 8 || idleTimeoutSeconds > 960) {
    throw new KefuError('KEFU_CONFIG_INVALID', { reason: 'the idle timeout must be 8 to 960 seconds' })
  }
}

/** The error for a bind that failed with `cause`: `KEFU_PORT_TAKEN` or `KEFU_PORT_REFUSED` with a reason for a person. */
export function bindError(options: ListenOptions, cause: unknown): KefuError {
  const { host, port } = options
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'EADDRINUSE') return new KefuError('KEFU_PORT_TAKEN', { host, port }, { cause })
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new KefuError('KEFU_PORT_REFUSED', { host, port, reason }, { cause })
}

/** Binds the address for a moment, to learn why a listener that gives no reason could not. */
export function probeBindError(options: ListenOptions): Promise<KefuError> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', error => resolve(bindError(options, error)))
    probe.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      probe.close(() => resolve(bindError(options, new Error('the system refused it without a reason'))))
    })
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission for this port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
}
