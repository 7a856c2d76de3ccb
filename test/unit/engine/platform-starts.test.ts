import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PlatformRig } from './platform-rig.js'

/** A contact who has written to a process that is no more. */
async function left(options: Parameters<typeof PlatformRig.create>[0] = {}): Promise<PlatformRig> {
  const rig = await PlatformRig.create(options)
  await rig.receive(rig.event('e1'))
  await rig.stop()
  return rig
}

describe('a channel that starts over what an earlier process left', () => {
  test('has one worker, which a pause ends, when its settings change meanwhile', async () => {
    const rig = await left({ recognisesRepeats: true })
    const { outbox } = rig.store
    const { rows } = outbox
    let readNow: () => void = () => undefined
    const isRead = new Promise<void>(resolve => (readNow = resolve))
    outbox.rows = async range => {
      await isRead
      return rows.call(outbox, range)
    }
    await rig.start()
    await rig.channels.set('shop', { lane: { outPerSecond: 100 } })
    await rig.settle()
    readNow()
    await rig.settle()
    await rig.channels.set('shop', { lane: { isOutPaused: true } })
    await rig.settle()
    await rig.answer('a1')
    await rig.settle()
    assert.deepEqual(rig.texts, [])
    let isClosed = false
    const closing = rig.platforms.close().then(() => (isClosed = true))
    await rig.pass(60_000)
    assert.equal(isClosed, true)
    await closing
  })
})
