import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SYSTEM } from '../../../src/daemon/core/records.js'
import { KefuError } from '../../../src/errors.js'
import { ANSWER, PlatformRig, text } from './platform-rig.js'

const code = (expected: string) => (error: unknown) => error instanceof KefuError && error.code === expected

describe('what comes in from a platform', () => {
  test('is answered with success when it is on disk, once however often it comes', async () => {
    const rig = await PlatformRig.create()
    assert.deepEqual(await rig.receive(rig.event('e1')), ANSWER)
    await Promise.all(Array.from({ length: 200 }, () => rig.receive(rig.event('e1'))))
    await rig.receive(rig.event('e2'), rig.event('e3'))
    const texts = (await rig.records()).flatMap(body => (body.type === 'message' ? body.parts : []))
    assert.deepEqual(texts, [text('e1'), text('e2'), text('e3')])
    const { counts } = rig.platforms.lane(1)!
    assert.deepEqual([counts.received, counts.duplicates], [3, 200])
    await rig.stop()
  })

  test('a sign is known to agents and asks nobody; an echo is an answer that does not go out again', async () => {
    const rig = await PlatformRig.create()
    const follow = { type: 'sign', parts: [{ type: 'event', name: 'followed', data: { scene: 'qr' } }] } as const
    await rig.receive(rig.event('e1', { ...follow, name: 'Ann' }))
    const quiet = (await rig.store.log.head(rig.conversation()))!
    assert.deepEqual(
      [quiet.state, quiet.waitingSince, quiet.name, quiet.details.episode],
      ['closed', undefined, 'Ann', 0],
    )
    await rig.receive(rig.event('e2'))
    const head = (await rig.store.log.head(rig.conversation()))!
    assert.deepEqual([head.state, head.details.episode], ['new', 1])
    await rig.receive(rig.event('e3', { type: 'echo', name: 'Li at WeCom', parts: [text('hi')] }))
    await rig.settle()
    assert.deepEqual([rig.sent, await rig.outbox()], [[], []])
    assert.equal((await rig.store.log.head(rig.conversation()))!.unansweredSince, undefined)
    await rig.stop()
  })

  test('an echo takes a conversation from a bot, once, whatever happens to it at that moment', async () => {
    const rig = await PlatformRig.create()
    await rig.receive(rig.event('e1'))
    const conversation = rig.conversation()
    const { log } = rig.store
    const bot = { type: 'assigned', by: SYSTEM, agent: 'a_bot', name: 'bot', reasons: ['bot'], bot: true } as const
    await log.append(conversation, [bot])
    const { head } = log
    let isFirst = true
    rig.store.log.head = async id => {
      const found = await head.call(log, id)
      // Meanwhile the contact goes on.
      if (isFirst) await log.append(id, [{ type: 'message', by: { role: 'contact' }, parts: [text('and')] }])
      isFirst = false
      return found
    }
    const echo = rig.event('e2', { type: 'echo', name: 'Li at WeCom', parts: [text('hi')] })
    await Promise.all([rig.receive(echo), rig.receive(echo), rig.receive(rig.event('e3'))])
    rig.store.log.head = head
    const { state, agent } = (await log.head(conversation))!
    assert.deepEqual([state, agent], ['waiting', undefined])
    const types = (await rig.records()).slice(3).map(body => [body.type, 'isEcho' in body])
    assert.deepEqual(types, [
      ['message', false],
      ['queued', false],
      ['message', true],
      ['message', false],
    ])
    await rig.stop()
  })

  test('is taken while others do not send what they announce: who has taken longest gives way', async () => {
    const rig = await PlatformRig.create()
    const refused: number[] = []
    const silence = (at: number): void => {
      rig.platforms
        .receive('shop', { limitBytes: 100, read: () => new Promise(() => undefined) })
        .catch(error => code('KEFU_LANE_CLOSED')(error) && refused.push(at))
    }
    for (let at = 0; at < 4_000; at++) silence(at)
    await rig.settle()
    assert.deepEqual(refused, [])
    assert.deepEqual(await rig.receive(rig.event('e1')), ANSWER)
    silence(4_000)
    silence(4_001)
    await rig.settle()
    assert.deepEqual(refused, [0, 1])
    await rig.stop()
  })

  test('is taken while large bodies take all the room: who has taken longest gives way, also of another channel', async () => {
    const rig = await PlatformRig.create()
    let refused = 0
    const silence = (): void => {
      const limitBytes = 1024 * 1024
      rig.platforms
        .receive('shop', { limitBytes, read: () => new Promise(() => undefined) })
        .catch(error => code('KEFU_LANE_CLOSED')(error) && refused++)
    }
    for (let at = 0; at < 64; at++) silence()
    await rig.settle()
    assert.equal(refused, 0)
    assert.deepEqual(await rig.receive(rig.event('e1')), ANSWER)
    assert.equal(refused, 1)
    await rig.stop()
  })

  test('is refused when its channel is removed while its body is on its way, or while it waits for its turn', async () => {
    const rig = await PlatformRig.create()
    await rig.channels.add({ kind: 'webhook', name: 'other' })
    await rig.platforms.receive('other', rig.callback(rig.event('e0', { contact: 'u2' })))
    const { limitBytes, read } = rig.callback(rig.event('slow'))
    const slowly = () => new Promise<void>(resolve => void rig.clock.after(100, resolve)).then(read)
    const waiting = [rig.platforms.receive('shop', { limitBytes, read: slowly })]
    // More than a channel may begin at once beside another one.
    for (let at = 0; at < 20; at++) waiting.push(rig.receive(rig.event(`e${at}`)))
    const outcomes = Promise.allSettled(waiting)
    await rig.settle()
    const before = (await rig.records()).length
    assert.ok(before < 15, 'some wait for their turn')
    await rig.channels.remove('shop')
    for (let ms = 0; ms < 200; ms += 10) await rig.pass(10)
    const refused = (await outcomes).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.deepEqual(
      refused.map(({ reason }) => reason.code),
      new Array(1 + 20 - (before - 1)).fill('KEFU_NOT_FOUND'),
    )
    assert.equal((await rig.records()).length, before)
    await rig.stop()
  })

  test('counts the time that a body took into the time that a platform waits', async () => {
    const rig = await PlatformRig.create()
    const { append } = rig.store.log
    rig.store.log.append = async (...given) => {
      await new Promise<void>(resolve => void rig.clock.after(60_000, resolve))
      return append.apply(rig.store.log, given)
    }
    const { limitBytes, read } = rig.callback(rig.event('e1'))
    const slowly = async () => {
      await new Promise<void>(resolve => void rig.clock.after(2_900, resolve))
      return read()
    }
    const waiting = assert.rejects(
      rig.platforms.receive('shop', { limitBytes, read: slowly }),
      code('KEFU_LANE_CLOSED'),
    )
    await rig.pass(2_900)
    await rig.pass(1_100)
    await waiting
    await rig.stop()
  })

  test('what comes long after it was written says so, and waits for people', async () => {
    const rig = await PlatformRig.create()
    const sentAtMs = Math.floor(rig.clock.now()) - 11 * 60_000
    await rig.receive(rig.event('e1', { sentAtMs }))
    const [, body] = await rig.records()
    assert.equal(body?.type === 'message' && body.writtenAt, sentAtMs)
    assert.equal((await rig.store.log.head(rig.conversation()))!.state, 'waiting')
    await rig.stop()
  })

  test('names and facts of the contact are kept as they change, in the order of the events', async () => {
    const rig = await PlatformRig.create()
    const events = Array.from({ length: 20 }, (_, at) =>
      rig.event(`e${at}`, at % 2 === 0 ? { name: `N${at}`, attributes: { level: String(at) } } : {}),
    )
    await Promise.all(events.map(event => rig.receive(event)))
    const head = (await rig.store.log.head(rig.conversation()))!
    assert.deepEqual([head.name, head.details.attributes], ['N18', { level: '18' }])
    const texts = (await rig.records()).flatMap(body => (body.type === 'message' ? body.parts : []))
    assert.deepEqual(
      texts,
      events.map(({ key }) => text(key)),
    )
    await rig.stop()
  })

  test('a text that is too long for a record is kept as a file, with its beginning in the message', async () => {
    const rig = await PlatformRig.create()
    const long = '长'.repeat(50_000)
    await rig.receive(rig.event('e1', { parts: [text(long)] }))
    const [, body] = await rig.records()
    assert.ok(body?.type === 'message')
    assert.deepEqual(
      body.parts.map(({ type }) => type),
      ['text', 'file'],
    )
    assert.equal(new TextDecoder().decode([...rig.files.values()][0]!.bytes), long)
    await rig.stop()
  })

  test('a text that is kept as a file is kept once, and only when its message is stored', async () => {
    const rig = await PlatformRig.create()
    const event = (key: string) => rig.event(key, { parts: [text('长'.repeat(5_000))] })
    const notes = async () => (await rig.store.directory.list('fetch/')).length
    const { append } = rig.store.log
    rig.store.log.append = () => Promise.reject(new KefuError('KEFU_STORE_FULL'))
    await assert.rejects(rig.receive(event('e1')), code('KEFU_STORE_FULL'))
    rig.store.log.append = append
    await rig.settle()
    assert.deepEqual([rig.kept, await notes()], [[], 0])
    await Promise.all([rig.receive(event('e1')), rig.receive(event('e1'))])
    await rig.receive(event('e1'))
    await rig.settle()
    const named = async () =>
      (await rig.records())
        .flatMap(body => (body.type === 'message' ? body.parts : []))
        .flatMap(part => ('media' in part ? [part.media] : []))
    assert.deepEqual([rig.kept, await notes()], [await named(), 0])
    assert.equal(rig.kept.length, 1)
    // Stored, but nobody knows: that is settled at the next start.
    rig.store.log.append = async (...given) => {
      await append.apply(rig.store.log, given)
      throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'slow' })
    }
    await assert.rejects(rig.receive(event('e2')), code('KEFU_STORE_UNAVAILABLE'))
    rig.store.log.append = append
    assert.deepEqual([rig.kept.length, await notes()], [1, 1])
    await rig.stop()
    await rig.start()
    await rig.settle()
    assert.deepEqual([rig.kept, await notes()], [await named(), 0])
    await rig.stop()
  })

  test('events that cannot be used are refused, and lose nothing of the others', async () => {
    const rig = await PlatformRig.create()
    for (const change of [
      { contact: '' },
      { contact: 'a\u0000b' },
      { contact: 'x'.repeat(129) },
      { key: '' },
      { parts: [] },
    ])
      await assert.rejects(rig.receive(rig.event('bad', change)), code('KEFU_CALLBACK_INVALID'))
    const reasons = rig.reported.map(error => error instanceof KefuError && error.detail.reason)
    assert.deepEqual(reasons, [
      'the id of the contact has 1 to 128 printable characters',
      'an event without an id',
      'an event without content',
    ])
    await rig.receive(
      rig.event('e1', { name: '\u0007'.repeat(5), parts: [text('ok'), { type: 'card', title: 'x'.repeat(900) }] }),
    )
    const [opened, message] = await rig.records()
    assert.ok(opened?.type === 'opened' && message?.type === 'message')
    assert.equal(opened.name, undefined)
    assert.equal(message.parts[1]?.type === 'card' && message.parts[1].title.length, 200)
    await rig.stop()
  })

  test('a paused, crowded or broken way in tells the platform to come again', async () => {
    const rig = await PlatformRig.create()
    await rig.channels.set('shop', { lane: { isInPaused: true } })
    await assert.rejects(rig.receive(rig.event('e1')), code('KEFU_LANE_CLOSED'))
    await rig.channels.set('shop', { lane: { isInPaused: false, inPerSecond: 2 } })
    await rig.pass(1_000)
    await rig.receive(rig.event('e1'))
    await rig.receive(rig.event('e2'))
    await assert.rejects(rig.receive(rig.event('e3')), code('KEFU_LANE_CLOSED'))
    await rig.pass(1_000)
    await rig.receive(rig.event('e3'))
    await rig.channels.set('shop', { lane: { inLimit: 1, inPerSecond: 1_000 } })
    const results = await Promise.allSettled([rig.receive(rig.event('e4')), rig.receive(rig.event('e5'))])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    assert.equal(rig.platforms.lane(1)!.counts.deferred, 3)
    await assert.rejects(
      rig.platforms.receive('nobody', { limitBytes: 0, read: () => Promise.reject(new Error('read')) }),
      code('KEFU_NOT_FOUND'),
    )
    await rig.stop()
  })

  test('a store that is slow has the platform come again within its time', async () => {
    const rig = await PlatformRig.create()
    const { append } = rig.store.log
    rig.store.log.append = async (...given) => {
      await new Promise<void>(resolve => void rig.clock.after(60_000, resolve))
      return append.apply(rig.store.log, given)
    }
    const waiting = assert.rejects(rig.receive(rig.event('e1')), code('KEFU_LANE_CLOSED'))
    await rig.settle()
    await rig.pass(4_000)
    await waiting
    rig.store.log.append = append
    await rig.receive(rig.event('e1'))
    await rig.pass(60_000)
    assert.equal((await rig.records()).filter(({ type }) => type === 'message').length, 1)
    await rig.stop()
  })

  test('a forged callback stores nothing, and the lane says so', async () => {
    const rig = await PlatformRig.create()
    const forged = rig.platforms.receive('shop', rig.arriving(Buffer.from('{}')))
    await assert.rejects(forged, code('KEFU_CALLBACK_REFUSED'))
    const { counts, lastRefusal } = rig.platforms.lane(1)!
    assert.deepEqual([counts.refused, lastRefusal?.reason, counts.received], [1, 'not signed', 0])
    await rig.stop()
  })
})
