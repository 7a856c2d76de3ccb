import { describe } from 'node:test'
import type { TransportCapabilities, TransportFactory } from '../helpers/raw-transport.js'
import { faultCases } from './transport-fault.cases.js'
import { listenerCases } from './transport-listener.cases.js'
import { pressureCases } from './transport-pressure.cases.js'
import { refusalCases } from './transport-refusal.cases.js'
import { requestCases } from './transport-request.cases.js'
import { responseCases } from './transport-response.cases.js'
import { slowCases } from './transport-slow.cases.js'
import { socketCases } from './transport-socket.cases.js'
import { upgradeCases } from './transport-upgrade.cases.js'

/**
 * Every guarantee of `src/daemon/transport/port.ts`, over raw connections to 127.0.0.1. A case is skipped only by a capability that carries
 * its reason.
 */
export function transportSuite(
  name: string,
  factory: TransportFactory,
  options: { readonly capabilities: TransportCapabilities },
): void {
  const subject = { factory, capabilities: options.capabilities }
  describe(`transport: ${name}`, { timeout: 60_000 }, () => {
    // First and alone: it looks at ports which another listener could be given.
    listenerCases(name, subject)
    // The slow cases wait most of the time: beside them the others go on, group by group.
    describe('at once', { concurrency: true }, () => {
      slowCases(subject)
      describe('group by group', { concurrency: 1 }, () => {
        upgradeCases(subject)
        socketCases(subject)
        faultCases(subject)
        pressureCases(subject)
        requestCases(subject)
        refusalCases(subject)
        responseCases(subject)
      })
    })
  })
}
