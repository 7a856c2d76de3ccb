import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { OUTBOX_HOLD_MS } from '../../../src/daemon/core/ports.js'
import { openLevelStore } from '../../../src/daemon/store/level/open.js'
import { tmpDir } from '../../helpers/tmp-dir.js'
import { until } from '../../helpers/until.js'
import { PlatformRig } from './platform-rig.js'

/** A rig over a store on disk, whose process dies while the first of two answers is at the platform. */
async function cutOff(t: TestContext, recognisesRepeats: boolean): Promise<PlatformRig> {
  const folder = tmpDir(t)
  const rig = Object.assign(new PlatformRig(), { recognisesRepeats })
  const open = async (name: string) => {
    const store = await openLevelStore({ path: join(folder, name), clock: rig.clock })
    t.after(() => store.close())
    rig.store = store
    await rig.start()
    const { platforms } = rig
    t.after(() => platforms.close())
  }
  await open('alive')
  await rig.channels.add({ kind: 'webhook', name: 'shop' })
  await rig.receive(rig.event('e1'))
  let answerNow: () => void = () => undefined
  rig.outcomes = [new Promise(resolve => (answerNow = () => resolve({ type: 'sent' })))]
  await rig.answer('a1')
  await rig.answer('a2')
  await until('the call', () => rig.outcomes.length === 0)
  cpSync(join(folder, 'alive'), join(folder, 'killed'), { recursive: true })
  // What died is out of the way before its contact gets anything of it.
  rig.platforms.close().catch(() => undefined)
  answerNow()
  await until('the end', () => rig.texts.length === 1)
  await open('killed')
  return rig
}

const told = async (rig: PlatformRig) =>
  (await rig.records()).flatMap(body => (body.type === 'delivery' ? [`${body.message} ${body.state}`] : []))

describe('a message that was at the platform when the process died', () => {
  test('is shown as unknown and not sent again; what follows waits', async t => {
    const rig = await cutOff(t, false)
    await until('what became of it', async () => (await told(rig)).length > 0)
    assert.deepEqual([await told(rig), await rig.outbox()], [['3 unknown'], ['3 unknown', '4 queued']])
    await rig.pass(OUTBOX_HOLD_MS - 1)
    assert.deepEqual(rig.texts, ['a1'])
    await rig.pass(1)
    await until('the follower', () => rig.texts.length === 2)
    assert.deepEqual(rig.texts, ['a1', 'a2'])
    await until('the outbox', async () => (await rig.outbox()).length === 1)
    assert.deepEqual([await told(rig), await rig.outbox()], [['3 unknown'], ['3 unknown']])
  })

  test('goes again at once where the platform recognises it, and then what follows', async t => {
    const rig = await cutOff(t, true)
    await until('all', async () => (await rig.outbox()).length === 0)
    assert.deepEqual([rig.texts, await told(rig)], [['a1', 'a1', 'a2'], []])
    assert.equal(rig.sent[0]!.to.id, rig.sent[1]!.to.id)
  })
})
