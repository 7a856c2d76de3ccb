import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PlatformRig, text } from './platform-rig.js'

const DOWN = { type: 'channel-down', reason: '403' } as const

/** A channel with a contact for each text that is to be sent, and the texts on their way, one behind the other. */
async function sending(texts: readonly string[], lane: object = {}): Promise<PlatformRig> {
  const rig = await PlatformRig.create()
  await rig.channels.set('shop', { lane: { ...lane, isOutPaused: true } })
  for (const each of texts) await ask(rig, each)
  return rig
}

async function ask(rig: PlatformRig, each: string): Promise<void> {
  await rig.receive(rig.event(`e ${each}`, { contact: each }))
  await rig.answer(each, [text(each)], each)
}

async function go(rig: PlatformRig): Promise<void> {
  await rig.channels.set('shop', { lane: { isOutPaused: false } })
  await rig.settle()
}

const obstruction = (rig: PlatformRig) => rig.platforms.lane(1)!.obstruction

describe('a message at which a platform behaves as if the channel were down', () => {
  for (const outConcurrency of [1, 16])
    test(`delays the others once, and then its own conversation only: ${outConcurrency} at once`, async () => {
      const rig = await sending(['bad', 'a1', 'a2'], { outConcurrency })
      rig.refusals.set('bad', DOWN)
      await go(rig)
      assert.equal(obstruction(rig)?.reason, '403')
      await rig.pass(15_000)
      assert.deepEqual(rig.texts.toSorted(), ['a1', 'a2'])
      await rig.answer('behind', [text('behind')], 'bad')
      for (let minute = 0; minute < 5; minute++) {
        await rig.pass(60_000)
        assert.equal(obstruction(rig), undefined)
        await ask(rig, `b${minute}`)
        await rig.settle()
        assert.equal(rig.texts.at(-1), `b${minute}`)
      }
      for (let minute = 0; minute < 90 && rig.texts.at(-1) !== 'behind'; minute++) await rig.pass(60_000)
      assert.equal(rig.texts.at(-1), 'behind')
      const told = (await rig.records('bad')).flatMap(body => (body.type === 'delivery' ? [body] : []))
      assert.deepEqual([told.length, told[0]?.state], [1, 'failed'])
      assert.match(told[0]!.reason!, /other messages.*403/)
      assert.deepEqual([(await rig.outbox()).length, rig.platforms.lane(1)!.counts.failed], [1, 1])
      await rig.stop()
    })

  test('keeps what is new in a quiet channel waiting until the end of a rest, ten minutes at most, and once', async () => {
    const rig = await sending(['bad'])
    rig.refusals.set('bad', DOWN)
    await go(rig)
    // Nobody else writes for hours: the rests are as long as they get.
    for (let minute = 0; minute < 300; minute++) await rig.pass(60_000)
    const waits: number[] = []
    for (const each of ['new', 'next']) {
      while (each === 'new' && obstruction(rig) === undefined) await rig.pass(1_000)
      const startMs = rig.clock.monotonicMs()
      await ask(rig, each)
      await rig.settle()
      while (rig.texts.at(-1) !== each) await rig.pass(1_000)
      waits.push(rig.clock.monotonicMs() - startMs)
    }
    assert.ok(waits[0]! > 60_000 && waits[0]! <= 601_000, `it waited ${waits[0]} ms`)
    assert.equal(waits[1], 0)
    await rig.stop()
  })

  test('is not told from the channel by what was on its way at that moment', async () => {
    const rig = await sending(['a1', 'bad'])
    let answerNow: () => void = () => undefined
    rig.refusals.set('bad', DOWN)
    rig.outcomes = [new Promise(resolve => (answerNow = () => resolve({ type: 'sent' })))]
    await go(rig)
    answerNow()
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1'])
    let rests = 0
    for (let minute = 0; minute < 300; minute++) {
      await rig.pass(60_000)
      if (obstruction(rig) !== undefined) rests++
    }
    assert.ok(rests > 200, `it rested ${rests} minutes`)
    const { rows } = await rig.store.outbox.rows({ limit: 1 })
    assert.equal(rows[0]!.attempts, 0, 'as if it had not been tried')
    rig.refusals.clear()
    await rig.channels.set('shop', { settings: { region: 'sg' } })
    await rig.settle()
    assert.deepEqual(rig.texts, ['a1', 'bad'])
    await rig.stop()
  })

  test('is one of several: the others go all the same, though the platform is slow', async () => {
    const rig = await sending(['bad1', 'bad2', 'bad3', 'good'], { outConcurrency: 2 })
    for (const bad of ['bad1', 'bad2', 'bad3']) rig.refusals.set(bad, DOWN)
    let answerNow: () => void = () => undefined
    rig.outcomes = [new Promise(resolve => (answerNow = () => resolve({ type: 'sent' })))]
    await go(rig)
    for (let second = 0; second < 60; second++) await rig.pass(1_000)
    answerNow()
    for (let second = 0; second < 120; second++) await rig.pass(1_000)
    assert.deepEqual(rig.texts, ['good'])
    assert.equal(obstruction(rig), undefined)
    await ask(rig, 'later')
    await rig.settle()
    assert.equal(rig.texts.at(-1), 'later')
    await rig.stop()
  })

  test('is not blamed for a channel that is down again', async () => {
    const rig = await sending(['bad', 'a1'], { outConcurrency: 1 })
    rig.refusals.set('bad', DOWN)
    await go(rig)
    await rig.pass(15_000)
    assert.deepEqual(rig.texts, ['a1'])
    await rig.pass(1_100)
    const attempts = async () => (await rig.store.outbox.rows({ limit: 1 })).rows[0]!.attempts
    assert.equal(await attempts(), 1)
    rig.refusals.set('a2', DOWN)
    await ask(rig, 'a2')
    await rig.settle()
    assert.equal(obstruction(rig)?.reason, '403')
    for (let minute = 0; minute < 300; minute++) await rig.pass(60_000)
    assert.deepEqual([await attempts(), (await rig.outbox()).length], [1, 2])
    await rig.stop()
  })
})
