import { test } from 'node:test'
import { createUwsTransport } from '../../src/daemon/transport/uws.js'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { transportSuite } from '../conformance/transport.suite.js'

const load = loadUws()

if (load.isAvailable) {
  transportSuite('uWebSockets.js', createUwsTransport, {
    capabilities: {
      refusesUnmaskedFrames: 'uWebSockets.js 20.30 reads a frame without a mask as if it had one',
      refusesInterleavedMessages: 'uWebSockets.js 20.30 takes such a frame for one more fragment',
    },
  })
} else {
  test('transport: uWebSockets.js', { skip: load.reason }, () => {})
}
