import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KefuError } from '../../../src/errors.js'
import { PlatformRig, text } from './platform-rig.js'

/** A process that is no more, which held an answer, and a contact who wrote to it last: nothing else was done about that. */
async function parked(
  options: Parameters<typeof PlatformRig.create>[0] = {},
): Promise<{ readonly rig: PlatformRig; readonly held: number }> {
  const rig = await PlatformRig.create({ hasWindows: true, ...options })
  await rig.receive(rig.event('e1'))
  for (let each = 1; each <= 3; each++) await rig.answer(`a${each}`)
  const held = await rig.answer('held')
  await rig.settle()
  assert.deepEqual(await rig.outbox(), [`${held} parked`])
  await rig.stop()
  const by = { role: 'contact' } as const
  const window = { until: rig.clock.now() + 3_600_000, messages: 3 }
  await rig.store.log.append(rig.conversation(), [{ type: 'message', by, parts: [text('e2')], window }])
  return { rig, held }
}

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

  test('works at once, and takes up what was left when the disk answers again', async () => {
    for (const recognisesRepeats of [false, true]) {
      const { rig, held } = await parked({ recognisesRepeats })
      const { outbox } = rig.store
      const { rows, resume } = outbox
      const fails = async (): Promise<never> => {
        throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'the disk took too long' })
      }
      outbox.rows = fails
      await rig.start()
      await rig.receive(rig.event('e2', { contact: 'u2' }))
      await rig.answer('b1', [text('b1')], 'u2')
      await rig.settle()
      Object.assign(outbox, { rows, resume: fails })
      await rig.pass(60_000)
      assert.deepEqual([rig.texts.slice(3), await rig.outbox()], [['b1'], [`${held} parked`]])
      outbox.resume = resume
      for (let minute = 0; minute < 5; minute++) await rig.pass(60_000)
      assert.deepEqual([rig.texts.slice(3), await rig.outbox()], [['b1', 'held'], []])
      assert.ok(rig.reported.length > 1)
      await rig.stop()
    }
  })

  test('sends while it looks through what was parked', async () => {
    const { rig, held } = await parked()
    const { outbox } = rig.store
    const { resume } = outbox
    let resumeNow: () => void = () => undefined
    const isWritten = new Promise<void>(resolve => (resumeNow = resolve))
    outbox.resume = async conversation => {
      await isWritten
      await resume.call(outbox, conversation)
    }
    await rig.start()
    await rig.receive(rig.event('e2', { contact: 'u2' }))
    await rig.answer('b1', [text('b1')], 'u2')
    await rig.settle()
    assert.deepEqual([rig.texts.slice(3), await rig.outbox()], [['b1'], [`${held} parked`]])
    resumeNow()
    await rig.settle()
    assert.deepEqual([rig.texts.slice(3), await rig.outbox()], [['b1', 'held'], []])
    await rig.stop()
  })

  test('counts and tells what large records came before, too', async () => {
    const rig = await PlatformRig.create({ hasWindows: true })
    await rig.receive(rig.event('e1'))
    await rig.channels.set('shop', { lane: { isOutPaused: true } })
    const data = { note: 'x'.repeat(11_000) }
    const large = { type: 'event', by: { role: 'agent', id: 'a_1' }, name: 'noted', data } as const
    const muchElse = async (): Promise<void> => {
      for (let each = 0; each < 110; each++) await rig.store.log.append(rig.conversation(), [large])
    }
    for (const id of ['a1', 'a2']) await rig.answer(id)
    await muchElse()
    await rig.answer('a3')
    const held = await rig.answer('held')
    await muchElse()
    await rig.channels.set('shop', { lane: { isOutPaused: false } })
    await rig.settle()
    assert.deepEqual([rig.texts.length, await rig.outbox()], [3, [`${held} parked`]])
    await rig.stop()
    await rig.start()
    await rig.settle()
    const told = (await rig.records()).flatMap(body =>
      body.type === 'delivery' ? [`${body.message} ${body.state}`] : [],
    )
    assert.deepEqual([rig.texts.length, await rig.outbox(), told], [3, [`${held} parked`], [`${held} held`]])
    await rig.stop()
  })
})
