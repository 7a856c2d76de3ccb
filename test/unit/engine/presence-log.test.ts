import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DirectoryPort } from '../../../src/daemon/core/ports.js'
import { PRESENCE_LIMITS, PRESENCE_PREFIX, type PresenceChange } from '../../../src/daemon/core/presence-log.js'
import { PresenceLog, readPresence } from '../../../src/daemon/engine/routing/presence-log.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { isKefuError, KefuError } from '../../../src/errors.js'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js'
import { Rig } from './rig.js'

const NOON = Date.UTC(2026, 10, 23, 12)
const HOUR = 3_600_000
const DAY = 24 * HOUR

type Desk = {
  readonly clock: ManualClock
  readonly directory: DirectoryPort
  readonly reported: unknown[]
  log: PresenceLog
  start(): Promise<void>
  advance(ms: number): Promise<void>
  read(since?: number, until?: number): Promise<PresenceChange[]>
}

async function createDesk(wrap: (directory: DirectoryPort) => DirectoryPort = own => own): Promise<Desk> {
  const clock = createManualClock(NOON)
  const directory = wrap(createMemoryStore({ clock }).directory)
  const reported: unknown[] = []
  const open = () => new PresenceLog({ directory, clock, report: error => reported.push(error) })
  const desk: Desk = {
    clock,
    directory,
    reported,
    log: open(),
    async start() {
      desk.log = open()
      await desk.log.start()
      await rest()
    },
    async advance(ms) {
      clock.advance(ms)
      await rest()
    },
    read: (since = NOON - DAY, until = clock.now()) => readPresence(directory, since, until),
  }
  await desk.start()
  return desk
}

/** The memory store answers within a turn. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await nextTurn()
}

const words = (changes: readonly PresenceChange[]): string[] =>
  changes.map(change => ('agent' in change ? `${change.agent} ${change.state}` : change.engine))

describe('the record of presence', () => {
  test('holds starts, changes with their times, and stops', async () => {
    const desk = await createDesk()
    await desk.advance(1_500)
    desk.log.changed('a', 'online')
    await desk.advance(10_000)
    desk.log.changed('a', 'away')
    await desk.log.close()
    assert.deepEqual(await desk.read(), [
      { at: NOON, engine: 'started' },
      { at: NOON + 1_500, agent: 'a', state: 'online' },
      { at: NOON + 11_500, agent: 'a', state: 'away' },
      { at: NOON + 11_500, engine: 'stopped' },
    ])
    await desk.start()
    assert.deepEqual(words(await desk.read()), ['started', 'a online', 'a away', 'stopped', 'started'])
    assert.equal((await desk.directory.list(PRESENCE_PREFIX)).length, 1)
  })

  test('loses the last seconds when the process is killed, and no more', async () => {
    const desk = await createDesk()
    desk.log.changed('a', 'online')
    await desk.advance(5_000)
    desk.log.changed('b', 'online')
    await desk.advance(4_000)
    // Killed here: nobody closes it.
    await desk.start()
    assert.deepEqual(words(await desk.read()), ['started', 'a online', 'started'])
  })

  test('writes one entry for all who change within seconds, and one change of who comes and goes', async () => {
    let writes = 0
    const desk = await createDesk(own => ({
      ...bound(own),
      update: (...update) => {
        writes++
        return own.update(...update)
      },
    }))
    for (let i = 0; i < 500; i++) {
      desk.log.changed('flapping', i % 2 === 0 ? 'online' : 'offline')
      desk.log.changed(`a_${i}`, 'online')
    }
    desk.log.changed('steady', 'online')
    desk.log.changed('steady', 'offline')
    await desk.advance(5_000)
    assert.equal(writes, 1)
    const found = words(await desk.read())
    assert.equal(found.length, 1 + 500, 'nothing of those who are as they were')
    for (let i = 0; i < 5; i++) await desk.advance(5_000)
    assert.equal(writes, 1, 'nothing is written when nothing changes')
  })

  test('begins every day with those who are there', async () => {
    const desk = await createDesk()
    desk.log.changed('a', 'online')
    desk.log.changed('b', 'away')
    desk.log.changed('c', 'online')
    await desk.advance(5_000)
    desk.log.changed('c', 'offline')
    await desk.advance(5_000)
    desk.clock.setWall(NOON + 12 * HOUR)
    await desk.advance(5_000)
    const midnight = NOON + 12 * HOUR
    assert.deepEqual(await desk.read(midnight, desk.clock.now() + DAY), [
      { at: midnight, agent: 'a', state: 'online' },
      { at: midnight, agent: 'b', state: 'away' },
    ])
    assert.deepEqual(words(await desk.read(NOON, midnight - 1)).slice(-1), ['c offline'])
  })

  test('is kept for its days and then removed', async () => {
    const desk = await createDesk()
    desk.log.changed('a', 'online')
    for (let day = 1; day <= PRESENCE_LIMITS.days + 5; day++) {
      desk.clock.setWall(NOON + day * DAY)
      await desk.advance(5_000)
    }
    const keys = (await desk.directory.list(PRESENCE_PREFIX)).map(({ key }) => key)
    assert.equal(keys.length, PRESENCE_LIMITS.days + 1)
    assert.ok(keys[0]! > 'presence/2026-11-23', keys[0])
    assert.deepEqual(desk.reported, [])
  })

  test('survives a clock that was wrong for a while, and goes on where the right day was', async () => {
    const desk = await createDesk()
    desk.log.changed('a', 'online')
    desk.log.changed('b', 'online')
    await desk.advance(5_000)
    const before = await desk.read()
    desk.clock.setWall(NOON + 1_000 * DAY)
    await desk.advance(5_000)
    desk.log.changed('b', 'offline')
    desk.log.changed('c', 'away')
    await desk.advance(5_000)
    desk.clock.setWall(NOON + HOUR)
    await desk.advance(5_000)
    desk.log.changed('a', 'away')
    await desk.advance(5_000)
    const changes = await desk.read()
    assert.deepEqual(changes.slice(0, before.length), before, 'nothing was taken away')
    assert.deepEqual(words(changes.slice(before.length)), ['started', 'a online', 'c away', 'a away'])
    assert.equal(changes.at(-1)?.at, NOON + HOUR + 5_000)
    await desk.log.close()
    assert.deepEqual(desk.reported, [])
  })

  test('looks for what is too old once a day, also while nobody is there', async () => {
    let lists = 0
    const desk = await createDesk(directory => ({
      ...bound(directory),
      list: prefix => {
        if (prefix === PRESENCE_PREFIX) lists++
        return directory.list(prefix)
      },
    }))
    lists = 0
    desk.clock.setWall(NOON + 2 * DAY)
    for (let round = 0; round < 5; round++) await desk.advance(5_000)
    assert.equal(lists, 1)
    await desk.log.close()
  })

  test('goes on in another part when one is full, and ends with the last part of a day', async () => {
    const desk = await createDesk()
    let round = 0
    const everybody = async (): Promise<void> => {
      const state = round++ % 2 === 0 ? 'online' : 'offline'
      for (let i = 0; i < 3_000; i++) desk.log.changed(`a_${i}`, state)
      await desk.advance(5_000)
    }
    await everybody()
    const keys = (await desk.directory.list(PRESENCE_PREFIX)).map(({ key }) => key.slice(-2))
    assert.ok(keys.length > 1 && keys[0] === '00' && keys[1] === '01', keys.join())
    assert.equal((await desk.read()).length, 3_001)
    while (desk.reported.length === 0 && round < 100) await everybody()
    assert.ok(isKefuError(desk.reported[0], 'KEFU_PRESENCE_FULL'))
    await everybody()
    assert.equal(desk.reported.length, 1, 'it is said once')
    assert.equal((await desk.directory.list(PRESENCE_PREFIX)).length, PRESENCE_LIMITS.partsPerDay)
    for (let i = 0; i < 3_000; i++) desk.log.changed(`a_${i}`, i === 7 ? 'online' : 'offline')
    await desk.advance(5_000)
    desk.clock.setWall(NOON + 13 * HOUR)
    await desk.advance(5_000)
    assert.deepEqual(words(await desk.read(NOON + 12 * HOUR)), ['a_7 online'], 'the next day is recorded again')
  })

  test('reports that it cannot be written once, and writes it later', async () => {
    let isBroken = false
    const desk = await createDesk(own => ({
      ...bound(own),
      async update(...update) {
        // Written after all, as when an answer is lost.
        if (isBroken) await own.update(...update)
        if (isBroken) throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'test' })
        return own.update(...update)
      },
    }))
    isBroken = true
    for (let i = 0; i < 4; i++) {
      desk.log.changed('a', i % 2 === 0 ? 'online' : 'away')
      await desk.advance(5_000)
    }
    assert.equal(desk.reported.length, 1)
    isBroken = false
    await desk.advance(5_000)
    assert.deepEqual(words(await desk.read()), ['started', 'a online', 'a away', 'a online', 'a away'])
    assert.equal(desk.reported.length, 1)
  })

  test('refuses an entry that is none', async () => {
    const desk = await createDesk()
    await desk.directory.create('presence/2026-11-22/00', { from: 0 })
    await assert.rejects(desk.read(), { code: 'KEFU_STORE_CORRUPT' })
  })

  test('is made by the engine', async () => {
    const rig = await Rig.create()
    const since = rig.clock.now()
    const { peer, id } = await rig.agent('li')
    rig.clock.advance(6_000)
    await rest()
    rig.disconnect(peer)
    await rig.engine.close()
    assert.deepEqual(words(await readPresence(rig.store.directory, since, rig.clock.now())), [
      'started',
      `${id} online`,
      `${id} offline`,
      'stopped',
    ])
  })
})

function bound(own: DirectoryPort): DirectoryPort {
  return {
    get: key => own.get(key),
    list: prefix => own.list(prefix),
    create: (...create) => own.create(...create),
    update: (...update) => own.update(...update),
    remove: (...remove) => own.remove(...remove),
    watch: (...watch) => own.watch(...watch),
  }
}
