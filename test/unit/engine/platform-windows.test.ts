import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PlatformRig, text } from './platform-rig.js'

const HOUR_MS = 3_600_000

/** A contact who has written, and what happens to answers. */
async function asked(options: Parameters<typeof PlatformRig.create>[0] = {}): Promise<PlatformRig> {
  const rig = await PlatformRig.create(options)
  await rig.receive(rig.event('e1'))
  await rig.settle()
  return rig
}

async function told(rig: PlatformRig): Promise<unknown[]> {
  return (await rig.records()).flatMap(body => (body.type === 'delivery' ? [[body.message, body.state]] : []))
}

describe('windows of a platform', () => {
  test('are kept before anything is sent: agents are told, and it goes when the contact writes again', async () => {
    const rig = await asked({ hasWindows: true })
    const window = (await rig.store.log.head(rig.conversation()))!.details.window!
    assert.equal(window.messages, 3)
    for (let each = 1; each <= 4; each++) await rig.answer(`a${each}`)
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1', 'a2', 'a3'])
    const [held] = await rig.outbox()
    assert.match(held!, /parked/)
    assert.equal((await told(rig)).length, 1)
    await rig.receive(rig.event('e2'))
    await rig.settle()
    assert.deepEqual([rig.texts, await rig.outbox()], [['a1', 'a2', 'a3', 'a4'], []])
    await rig.stop()
  })

  test('count what was sent late in the window that let it go', async () => {
    const rig = await asked({ hasWindows: true })
    for (let each = 1; each <= 5; each++) await rig.answer(`a${each}`)
    await rig.settle()
    await rig.receive(rig.event('e2'))
    await rig.settle()
    assert.equal(rig.texts.length, 5)
    for (let each = 6; each <= 9; each++) await rig.answer(`a${each}`)
    await rig.settle()
    assert.equal(rig.texts.length, 6, 'two of the three went with what was held')
    await rig.receive(rig.event('e3'))
    await rig.settle()
    assert.equal(rig.texts.length, 9)
    await rig.stop()
  })

  test('count what went in them before a restart', async () => {
    const rig = await asked({ hasWindows: true })
    await rig.answer('a1')
    await rig.answer('a2')
    await rig.settle()
    await rig.stop()
    await rig.start()
    await rig.answer('a3')
    await rig.answer('a4')
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1', 'a2', 'a3'])
    await rig.stop()
  })

  test('count, after a restart, what they let go that was written before them, and nothing else', async () => {
    const rig = await asked({ hasWindows: true })
    const long = [text('0123456789abc')]
    for (let each = 1; each <= 3; each++) await rig.answer(`a${each}`)
    await rig.answer('held', long)
    await rig.settle()
    await rig.receive(rig.event('e2'))
    await rig.settle()
    assert.deepEqual(rig.texts.slice(3), ['0123456789', 'abc'], 'two of the three')
    await rig.stop()
    await rig.start()
    await rig.answer('b1')
    const over = await rig.answer('b2')
    await rig.settle()
    assert.deepEqual([rig.texts.slice(5), await rig.outbox()], [['b1'], [`${over} parked`]])
    await rig.stop()
  })

  test('count, after a restart, every piece, and not what was given up', async () => {
    const rig = await asked({ hasWindows: true })
    await rig.answer('a1', [text('0123456789abc')])
    await rig.settle()
    rig.outcomes = [{ type: 'give-up', reason: '45015' }]
    await rig.answer('a2')
    await rig.settle()
    await rig.stop()
    await rig.start()
    await rig.answer('a3')
    const over = await rig.answer('a4')
    await rig.settle()
    assert.deepEqual(rig.texts, ['0123456789', 'abc', 'a3'])
    assert.equal((await rig.outbox()).at(-1), `${over} parked`)
    await rig.stop()
  })

  test('count, after a restart, the pieces that had gone of the message that goes on', async () => {
    const rig = await asked({ hasWindows: true })
    rig.outcomes = [{ type: 'sent' }, { type: 'sent' }, { type: 'retry', reason: 'busy' }]
    const n = await rig.answer('a1', [text('0123456789abcdefghijklmnopqrstuvwxyz0123')])
    await rig.settle()
    await rig.stop()
    await rig.start()
    await rig.pass(1_000)
    assert.deepEqual([rig.texts.length, await rig.outbox()], [3, [`${n} parked`]])
    await rig.stop()
  })

  test('that opened just before the end of the process let go what was held, after it', async () => {
    const rig = await asked({ hasWindows: true })
    for (let each = 1; each <= 4; each++) await rig.answer(`a${each}`)
    await rig.settle()
    // As when the contact's message came to disk, and nothing else was done about it.
    const by = { role: 'contact' } as const
    const window = { until: rig.clock.now() + HOUR_MS, messages: 3 }
    await rig.stop()
    await rig.store.log.append(rig.conversation(), [{ type: 'message', by, parts: [text('e2')], window }])
    await rig.start()
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1', 'a2', 'a3', 'a4'])
    await rig.stop()
  })

  test('end by time', async () => {
    const rig = await asked({ hasWindows: true })
    await rig.pass(48 * HOUR_MS)
    const n = await rig.answer('a1')
    await rig.settle()
    assert.deepEqual([rig.texts, await rig.outbox()], [[], [`${n} parked`]])
    await rig.receive(rig.event('e2'))
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1'])
    await rig.stop()
  })

  test('that the platform sees otherwise are believed; a contact who writes at that moment is not missed', async () => {
    const rig = await asked({ hasWindows: true })
    let answerNow: (outcome: { type: 'window-closed'; reason: string }) => void = () => undefined
    rig.outcomes = [new Promise(resolve => (answerNow = resolve))]
    await rig.answer('a1')
    await rig.settle()
    await rig.receive(rig.event('e2'))
    answerNow({ type: 'window-closed', reason: '45047' })
    await rig.settle()
    await rig.pass(0)
    assert.deepEqual([rig.texts, await rig.outbox()], [['a1'], []])
    await rig.stop()
  })
})
