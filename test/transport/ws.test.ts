import { createWsTransport } from '../../src/daemon/transport/ws.js'
import { transportSuite } from '../conformance/transport.suite.js'

transportSuite('ws', createWsTransport, {
  capabilities: { refusesUnmaskedFrames: true, refusesInterleavedMessages: true },
})
