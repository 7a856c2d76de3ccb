import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { assertKept, type Ledger, StoreProcess } from './store-process.js'

const KILLS = process.env.KEFU_TEST_LONG === '1' ? 100 : 4
/** Kills after which everything is read back. What was lost at one is not there after the next either, and the store grows. */
const KILLS_PER_READING = Math.ceil(KILLS / 10)

test(`store: ${KILLS} kills of a writer lose and repeat nothing`, async t => {
  const path = join(tmpDir(t), 'store')
  const seed = Number(process.env.KEFU_TEST_SEED ?? 11)
  const random = new Random(seed)
  const ledger: Ledger = new Map()
  for (let kill = 0; kill < KILLS; kill++) {
    const child = new StoreProcess(path, `k${kill}`, ledger)
    t.after(() => child.kill())
    await child.until('its start', () => child.said('ready').length > 0)
    child.tell(`write 64 ${random.integer(1, 400)}`)
    const enough = ledger.size + random.integer(200, 3_000)
    await child.until('acknowledgements', () => ledger.size >= enough)
    await child.kill()
    if ((kill + 1) % KILLS_PER_READING === 0) await assertKept(path, ledger)
  }
  t.diagnostic(`seed ${seed}: ${ledger.size} acknowledged`)
  assert.ok(ledger.size >= KILLS * 200)
})

test(`store: kills of an operator who drops and retries: what was answered holds, the rest is as it was or done`, async t => {
  const path = join(tmpDir(t), 'store')
  const random = new Random(Number(process.env.KEFU_TEST_SEED ?? 12))
  const first = new StoreProcess(path, 'o', new Map())
  t.after(() => first.kill())
  await first.until('its start', () => first.said('ready').length > 0)
  const dead = Number(await first.ask('die 30', 'dead'))
  await first.stop()
  const dropped = new Set<string>()
  const retried = new Set<string>()
  for (let isSteered = false; !isSteered; ) {
    const child = new StoreProcess(path, 'o', new Map())
    t.after(() => child.kill())
    await child.until('its start', () => child.said('ready').length > 0)
    const enough = random.integer(1, dead / KILLS)
    child.tell('steer')
    const count = () => child.said('dropped').length + child.said('retried').length
    await child.until('answers', () => count() >= enough || child.said('steered').length > 0)
    isSteered = child.said('steered').length > 0
    await child.kill()
    for (const place of child.said('dropped')) dropped.add(place)
    for (const place of child.said('retried')) retried.add(place)

    const store = await openLevelStore({ path, clock: createManualClock() })
    assert.deepEqual((await store.info()).damage, [])
    const { rows } = await store.outbox.rows({ limit: 10_000 })
    const states = new Map(rows.map(({ conversation, n, state }) => [`${conversation} ${n}`, state]))
    for (const place of dropped) assert.equal(states.get(place), undefined, `${place} is back`)
    for (const place of retried) assert.equal(states.get(place), 'queued', place)
    for (const [place, state] of states) assert.match(state, retried.has(place) ? /^queued$/ : /^(dead|queued)$/, place)
    assert.ok(states.size >= dead / 2)
    const { queued = 0, dead: left = 0 } = (await store.outbox.totals()).get('ch:7') ?? {}
    assert.equal(queued + left, rows.length)
    if (isSteered) assert.deepEqual([queued, left, (await store.check({ deep: true })).findings], [dead / 2, 0, []])
    await store.close()
  }
})
