import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRCODES } from '../../src/daemon/channels/wecom-kf/errcodes.js'
import { channelSuite } from '../conformance/channel.suite.js'
import { KIT } from './wecom-kf-kit.js'

channelSuite(KIT)

test('no errcode of its table is left out of the suite', () => {
  const cases = Object.keys(KIT.outbound.refusals)
  // What 95018 means is the state of the session: it has cases of its own.
  for (const code of Object.keys(ERRCODES)) assert.ok(code === '95018' || cases.includes(`errcode ${code}`), code)
})
