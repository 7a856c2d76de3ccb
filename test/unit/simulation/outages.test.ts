import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PresenceChange } from '../../../src/daemon/core/presence-log.js'
import { Outages } from '../../../src/daemon/simulation/outages.js'

const started = (at: number): PresenceChange => ({ at, engine: 'started' })
const stopped = (at: number): PresenceChange => ({ at, engine: 'stopped' })
const online = (at: number): PresenceChange => ({ at, agent: 'li', state: 'online' })

describe('outages', () => {
  test('of processes that were killed begin with what was recorded last', () => {
    const outages = new Outages([started(0), online(10), started(100), online(110), started(200)])
    for (const at of [5, 40, 60, 100, 105, 150, 300]) outages.record(at)
    assert.deepEqual(outages.presence(), [
      started(0),
      online(10),
      stopped(60),
      started(100),
      online(110),
      stopped(150),
      started(200),
    ])
  })

  test('begin with the last change of presence when there is no later record', () => {
    assert.deepEqual(new Outages([online(10), started(100)]).presence(), [online(10), stopped(10), started(100)])
  })

  test('of processes that ended in order are as they were recorded', () => {
    const presence = [started(0), online(10), stopped(50), started(100)]
    const outages = new Outages(presence)
    outages.record(30)
    assert.deepEqual(outages.presence(), presence)
    assert.deepEqual(new Outages([]).presence(), [])
  })
})
