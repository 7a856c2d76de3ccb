import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PlatformRig, text } from './platform-rig.js'

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

describe('what goes out to a platform', () => {
  test('goes in order, in pieces that it takes, and is told as delivered', async () => {
    const rig = await asked()
    const n = await rig.answer('a1', [text('0123456789abc'), { type: 'card', title: 'T', url: 'https://a.example/' }])
    await rig.answer('a2')
    await rig.settle()
    assert.deepEqual(rig.texts.slice(0, 2), ['0123456789', 'abc'])
    assert.equal(rig.texts.at(-1), 'a2')
    assert.deepEqual([rig.sent[0]!.to.contact, rig.sent[0]!.to.n, rig.sent[1]!.to.piece], ['u1', n, 1])
    assert.deepEqual([rig.delivered, await rig.outbox(), await told(rig)], [[`u1 ${n}`, `u1 ${n + 1}`], [], []])
    assert.deepEqual(rig.reported, [])
    await rig.stop()
  })

  test('what the platform did not take is tried again, and goes on at the piece that failed', async () => {
    const rig = await asked()
    rig.outcomes = [{ type: 'sent' }, { type: 'retry', reason: 'busy' }, { type: 'retry', reason: 'busy' }]
    await rig.answer('a1', [text('0123456789abc')])
    await rig.answer('a2')
    await rig.settle()
    assert.deepEqual(rig.texts, ['0123456789'])
    await rig.pass(1_000)
    assert.deepEqual(rig.texts, ['0123456789'])
    await rig.pass(2_000)
    assert.deepEqual(rig.texts, ['0123456789', 'abc', 'a2'])
    assert.equal(rig.platforms.lane(1)!.counts.retried, 2)
    await rig.stop()
  })

  test('what is too long goes on where it stopped when the limit is another one by then', async () => {
    const rig = await asked()
    rig.outcomes = [{ type: 'sent' }, { type: 'give-up', reason: '45002' }]
    const n = await rig.answer('a1', [text('0123456789abcdefghijklmnopqrstuvwxyz')])
    await rig.settle()
    assert.deepEqual([rig.texts, await rig.outbox()], [['0123456789'], [`${n} dead`]])
    await rig.channels.set('shop', { settings: { 'text-limit': 6 } })
    rig.outcomes = [{ type: 'sent' }, { type: 'retry', reason: 'busy' }]
    await rig.store.outbox.retry(rig.conversation(), n)
    await rig.settle()
    await rig.channels.set('shop', { settings: { 'text-limit': 20 } })
    await rig.pass(2_000)
    assert.deepEqual(rig.texts, ['0123456789', 'abcdef', 'ghijklmnopqrstuvwxyz'])
    assert.deepEqual(
      rig.sent.map(({ to }) => to.piece),
      [0, 1, 2],
    )
    await rig.stop()
  })

  test('after an hour of trying it is given up: agents are told, and what follows goes', async () => {
    const rig = await asked()
    rig.outcomes = Array.from({ length: 100 }, () => ({ type: 'retry', reason: 'busy' }) as const)
    const n = await rig.answer('a1')
    for (let minute = 0; minute < 90 && (await rig.outbox())[0] !== `${n} dead`; minute++) await rig.pass(60_000)
    assert.deepEqual([await rig.outbox(), await told(rig)], [[`${n} dead`], [[n, 'failed']]])
    rig.outcomes = []
    await rig.answer('a2')
    await rig.settle()
    assert.deepEqual(rig.texts, ['a2'])
    await rig.store.outbox.retry(rig.conversation(), n)
    await rig.settle()
    assert.deepEqual(
      [rig.texts, (await told(rig)).at(-1)],
      [
        ['a2', 'a1'],
        [n, 'sent'],
      ],
    )
    await rig.stop()
  })

  test('what nobody can tell is never sent again, is told, and what follows waits for it', async () => {
    const rig = await asked()
    rig.outcomes = [{ type: 'unknown', reason: 'timed out' }]
    const n = await rig.answer('a1')
    await rig.answer('a2')
    await rig.settle()
    assert.deepEqual(
      [rig.texts, await rig.outbox(), await told(rig)],
      [['a1'], [`${n} unknown`, `${n + 1} queued`], [[n, 'unknown']]],
    )
    await rig.pass(29_000)
    assert.deepEqual(rig.texts, ['a1'])
    await rig.pass(1_000)
    assert.deepEqual([rig.texts, await rig.outbox()], [['a1', 'a2'], [`${n} unknown`]])
    await rig.stop()
  })

  test('a platform that recognises repeats gets it again, as the same one', async () => {
    const rig = await asked({ recognisesRepeats: true })
    rig.outcomes = [{ type: 'unknown', reason: 'timed out' }]
    await rig.answer('a1')
    await rig.settle()
    await rig.pass(1_000)
    assert.deepEqual(
      rig.sent.map(({ to }) => to.id),
      [rig.sent[0]!.to.id, rig.sent[0]!.to.id],
    )
    assert.deepEqual(await rig.outbox(), [])
    await rig.stop()
  })

  test('a platform that wants less gets nothing until then; the attempt is not counted, other channels go on', async () => {
    const rig = await asked()
    await rig.channels.add({ kind: 'webhook', name: 'other' })
    rig.outcomes = [{ type: 'throttled', reason: '45009', afterMs: 60_000 }]
    await rig.answer('a1')
    await rig.settle()
    await rig.receive(rig.event('e2', { contact: 'u2' }))
    await rig.answer('b1', [text('b1')], 'u2')
    await rig.settle()
    assert.deepEqual(rig.texts, [])
    assert.equal(rig.platforms.lane(1)!.obstruction!.reason, '45009')
    const other = rig.tokens.conversationId(2, 'u3')
    const opened = { type: 'opened', channel: 2, kind: 'webhook', egress: 'outbox', contact: 'u3' } as const
    const by = { role: 'agent', id: 'a_1' } as const
    await rig.store.log.append(other, [{ type: 'message', by, parts: [text('c1')] }], { opening: opened })
    await rig.settle()
    assert.deepEqual(rig.texts, ['c1'])
    await rig.pass(60_000)
    assert.deepEqual(rig.texts.toSorted(), ['a1', 'b1', 'c1'])
    await rig.stop()
  })

  test('a channel that is down rests longer and longer, and goes on at once when its settings change', async () => {
    const rig = await asked()
    rig.outcomes = [
      { type: 'channel-down', reason: 'wrong secret' },
      { type: 'channel-down', reason: 'wrong secret' },
    ]
    const since = rig.clock.now()
    await rig.answer('a1')
    await rig.settle()
    await rig.pass(15_000)
    assert.deepEqual(rig.texts, [])
    await rig.pass(1_005)
    assert.deepEqual(rig.texts, [], 'it has given way to others')
    const { obstruction } = rig.platforms.lane(1)!
    assert.deepEqual([obstruction?.since, obstruction?.until], [since, since + 46_005])
    await rig.channels.set('shop', { settings: { region: 'sg' } })
    await rig.pass(15_000)
    assert.deepEqual([rig.texts, await rig.outbox()], [['a1'], []])
    rig.outcomes = [{ type: 'channel-down', reason: 'wrong secret' }]
    await rig.answer('a2')
    await rig.settle()
    assert.equal(rig.platforms.lane(1)!.obstruction!.since, rig.clock.now(), 'it had worked meanwhile')
    await rig.stop()
  })

  test('calls that find a channel down at once make it rest once, and all of them go when that is mended', async () => {
    const rig = await asked()
    await rig.receive(rig.event('e2', { contact: 'u2' }))
    rig.outcomes = [1, 2].map(() => ({ type: 'channel-down', reason: 'wrong secret' }) as const)
    await rig.channels.set('shop', { lane: { isOutPaused: true } })
    await rig.answer('a1')
    await rig.answer('a2', [text('a2')], 'u2')
    await rig.channels.set('shop', { lane: { isOutPaused: false } })
    await rig.settle()
    assert.equal(rig.platforms.lane(1)!.obstruction!.until - rig.clock.now(), 15_000)
    assert.equal(rig.outcomes.length, 0)
    await rig.channels.set('shop', { settings: { region: 'sg' } })
    await rig.settle()
    assert.deepEqual([...rig.texts].sort(), ['a1', 'a2'])
    await rig.stop()
  })

  test('a paused way out keeps everything; nothing more goes than its rate', async () => {
    const rig = await asked()
    await rig.channels.set('shop', { lane: { isOutPaused: true } })
    for (let each = 0; each < 5; each++) await rig.answer(`a${each}`)
    await rig.pass(10_000)
    assert.deepEqual([rig.texts, (await rig.outbox()).length], [[], 5])
    await rig.channels.set('shop', { lane: { isOutPaused: false, outPerSecond: 1, outConcurrency: 1 } })
    await rig.settle()
    const first = rig.texts.length
    assert.ok(first >= 1 && first <= 2, `${first} at once`)
    for (let second = 0; second < 6; second++) await rig.pass(1_000)
    assert.deepEqual(rig.texts, ['a0', 'a1', 'a2', 'a3', 'a4'])
    await rig.stop()
  })

  test('a change that is nothing to the platform interrupts nothing', async () => {
    const rig = await asked()
    rig.outcomes = ['until it is cut']
    await rig.answer('a1')
    await rig.receive(rig.event('e2', { contact: 'u2' }))
    await rig.settle()
    const opened = rig.opened
    await rig.channels.set('shop', { language: 'zh' })
    await rig.answer('b1', [text('b1')], 'u2')
    await rig.settle()
    assert.deepEqual([rig.texts, rig.opened], [['b1'], opened], 'it does not wait for what is being sent')
    await rig.stop()
  })

  test('an adapter that throws has sent perhaps', async () => {
    const rig = await asked()
    rig.outcomes = [new TypeError('a bug of the adapter')]
    const n = await rig.answer('a1')
    await rig.settle()
    assert.deepEqual([await rig.outbox(), rig.reported.length], [[`${n} unknown`], 1])
    await rig.stop()
  })

  test('files go with their bytes; one that is too large or gone is given up with the reason', async () => {
    const rig = await asked()
    const put = (media: string, length: number) =>
      rig.files.set(media, {
        conversation: rig.conversation(),
        uploader: 'a',
        declaredType: undefined,
        bytes: new Uint8Array(length),
      })
    put('md_small', 10)
    put('md_large', 101)
    await rig.answer('a1', [{ type: 'image', media: 'md_small', name: 'cat.png' }])
    const large = await rig.answer('a2', [{ type: 'image', media: 'md_large' }])
    await rig.settle()
    const gone = await rig.answer('a3', [{ type: 'image', media: 'md_gone' }])
    await rig.settle()
    assert.deepEqual([rig.sent[0]!.piece.file?.bytes.length, rig.sent[0]!.piece.file?.name], [10, 'cat.png'])
    const reasons = (await rig.records()).flatMap(body => (body.type === 'delivery' ? [body.reason] : []))
    assert.match(reasons[0]!, /101 bytes/)
    assert.match(reasons[1]!, /not here/)
    assert.deepEqual(await rig.outbox(), [`${large} dead`, `${gone} dead`])
    await rig.stop()
  })

  test('stopping waits for what is being sent, and cuts it after some seconds', async () => {
    const rig = await asked()
    rig.outcomes = ['until it is cut']
    const n = await rig.answer('a1')
    await rig.settle()
    assert.equal(rig.platforms.lane(1)!.sending, 1)
    let isClosed = false
    const closing = rig.platforms.close().then(() => (isClosed = true))
    await rig.pass(3_000)
    assert.equal(isClosed, false)
    await rig.pass(1_000)
    await closing
    assert.deepEqual(await rig.outbox(), [`${n} unknown`])
  })
})

test('agents who were told long after a message that it is held are told that it went', async () => {
  const rig = await asked()
  await rig.channels.set('shop', { lane: { isOutPaused: true } })
  const n = await rig.answer('a1')
  for (let at = 0; at < 300; at++) await rig.receive(rig.event(`while it waits ${at}`))
  rig.outcomes = [{ type: 'window-closed', reason: '45047' }]
  await rig.channels.set('shop', { lane: { isOutPaused: false } })
  await rig.settle()
  assert.deepEqual(await told(rig), [[n, 'held']])
  await rig.receive(rig.event('e2'))
  await rig.pass(1_000)
  assert.deepEqual(
    [rig.texts, await told(rig)],
    [
      ['a1'],
      [
        [n, 'held'],
        [n, 'sent'],
      ],
    ],
  )
  await rig.stop()
})
