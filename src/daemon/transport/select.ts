import type { TransportPorts } from './error-sink.js'
import type { Transport } from './port.js'

/** Which implementation is wanted; `auto` takes uWebSockets.js where its native module is available. */
export type TransportPreference = 'auto' | 'uWebSockets.js' | 'ws'

/** The transport for `preference`. Throws `KEFU_CONFIG_INVALID` with the reason when `uWebSockets.js` is asked for and not available here. */
export async function createTransport(preference: TransportPreference, ports: TransportPorts = {}): Promise<Transport> {
  if (preference !== 'ws') {
    const { loadUws } = await import('./uws-native.js')
    if (preference === 'uWebSockets.js' || loadUws().isAvailable) {
      const { createUwsTransport } = await import('./uws.js')
      return createUwsTransport(ports)
    }
  }
  const { createWsTransport } = await import('./ws.js')
  return createWsTransport(ports)
}
