import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { messageIdOf, pieceOf } from '../../src/daemon/channels/wecom-kf/message-id.js'
import type { PlatformRequest } from '../../src/daemon/core/channel-adapter.js'
import { openSubject, type PlatformScript } from '../conformance/channel-kit.js'
import { KIT } from './wecom-kf-kit.js'
import { ACCOUNT, CONTACT, entry, errcode, event, fieldsOf, healthy, ok, pathOf, syncing } from './wecom-kf-platform.js'

const NONE = new AbortController().signal
const TO = { contact: CONTACT, n: 7, piece: 0, id: '01jgbz8c5h2n4f7k9m0p1q2r3s' }
const TEXT = { part: { type: 'text', text: '您好' } } as const
const SIGNAL = { account: ACCOUNT, pass: 'ENCpass' }
const WELCOMES = syncing(event('enter_session', { welcome_code: 'WELCOME' }))
const on = (path: string) => (request: PlatformRequest) => pathOf(request) === path

async function pullAll(subject: ReturnType<typeof openSubject>, signal = SIGNAL) {
  let cursor: string | undefined
  for (;;) {
    const pulled = await subject.adapter.pull!(signal, cursor, NONE)
    cursor = pulled.cursor
    if (!pulled.hasMore) return pulled
  }
}

describe('wecom-kf: pulling', () => {
  test('an empty page is not the end', async () => {
    const subject = openSubject(KIT, { platform: syncing(entry('text', { content: 'hi' })) })
    const first = await subject.adapter.pull!(SIGNAL, undefined, NONE)
    assert.deepEqual(first, { events: [], cursor: 'c1', hasMore: true })
    const second = await subject.adapter.pull!(SIGNAL, first.cursor, NONE)
    assert.deepEqual([second.events.length, second.cursor, second.hasMore], [1, 'c2', false])
    const bodies = subject.requests.filter(on('kf/sync_msg')).map(fieldsOf)
    assert.deepEqual(
      bodies.map(({ cursor, token, open_kfid }) => [cursor, token, open_kfid]),
      [
        ['', 'ENCpass', ACCOUNT],
        ['c1', 'ENCpass', ACCOUNT],
      ],
    )
  })

  test('a refused pass is not used again; another one is', async () => {
    const platform: PlatformScript = request =>
      on('kf/sync_msg')(request) && fieldsOf(request).token === 'ENCpass'
        ? errcode(95007)
        : syncing(entry('text', { content: 'hi' }))(request)
    const subject = openSubject(KIT, { platform })
    assert.equal((await pullAll(subject)).events.length, 1)
    await pullAll(subject, { account: ACCOUNT, pass: 'ENCnew' })
    const passes = subject.requests.filter(on('kf/sync_msg')).map(request => fieldsOf(request).token)
    assert.deepEqual(passes, ['ENCpass', undefined, undefined, 'ENCnew', 'ENCnew'])
  })

  test('a pass of ten minutes ago is left out', async () => {
    const subject = openSubject(KIT, { platform: syncing() })
    await pullAll(subject)
    subject.clock.advance(10 * 60_000 + 1)
    await pullAll(subject)
    const passes = subject.requests.filter(on('kf/sync_msg')).map(request => fieldsOf(request).token)
    assert.deepEqual(passes, ['ENCpass', 'ENCpass', undefined, undefined])
  })
})

describe('wecom-kf: sending', () => {
  test('the first text within 20 s goes by the welcome code, once', async () => {
    const subject = openSubject(KIT, { platform: WELCOMES })
    const pulled = await pullAll(subject)
    assert.ok(!JSON.stringify(pulled).includes('WELCOME'), 'agents do not see the code')
    for (let n = 7; n < 9; n++) assert.deepEqual(await subject.adapter.send({ ...TO, n }, TEXT, NONE), { type: 'sent' })
    const paths = subject.requests.map(pathOf).filter(path => path.startsWith('kf/send'))
    assert.deepEqual(paths, ['kf/send_msg_on_event', 'kf/send_msg'])
    assert.equal(fieldsOf(subject.requests.find(on('kf/send_msg_on_event'))!).code, 'WELCOME')
  })

  const usual: Record<string, (subject: ReturnType<typeof openSubject>) => unknown> = {
    'after 20 s': ({ clock }) => clock.advance(20_000),
    'when the contact has written': subject => subject.adapter.pull!(SIGNAL, 'c1', NONE),
  }
  for (const [name, meanwhile] of Object.entries(usual))
    test(`it goes the usual way ${name}`, async () => {
      let isFirst = true
      const platform: PlatformScript = request => {
        if (!on('kf/sync_msg')(request)) return healthy(request)
        const given = isFirst ? event('enter_session', { welcome_code: 'WELCOME' }) : entry('text', { content: 'x' })
        isFirst = false
        return { body: { errcode: 0, next_cursor: 'c', has_more: 0, msg_list: [given] } }
      }
      const subject = openSubject(KIT, { platform })
      await pullAll(subject)
      await meanwhile(subject)
      await subject.adapter.send(TO, TEXT, NONE)
      assert.ok(!subject.requests.some(on('kf/send_msg_on_event')))
    })

  test('a refused welcome code is followed by the usual way', async () => {
    const subject = openSubject(KIT, {
      platform: request => (on('kf/send_msg_on_event')(request) ? errcode(40058) : WELCOMES(request)),
    })
    await pullAll(subject)
    assert.deepEqual(await subject.adapter.send(TO, TEXT, NONE), { type: 'sent' })
  })

  for (const [state, tries, outcome] of [
    [0, 2, 'sent'],
    [1, 2, 'sent'],
    [2, 1, 'give-up'],
    [3, 1, 'give-up'],
    [4, 1, 'window-closed'],
  ] as const)
    test(`95018 in state ${state}: ${outcome}`, async () => {
      let sends = 0
      const platform: PlatformScript = request => {
        if (on('kf/service_state/get')(request)) return { body: { errcode: 0, service_state: state } }
        return on('kf/send_msg')(request) ? (++sends === 1 ? errcode(95018) : ok) : healthy(request)
      }
      const subject = openSubject(KIT, { platform })
      assert.equal((await subject.adapter.send(TO, TEXT, NONE)).type, outcome)
      assert.equal(sends, tries)
    })

  test('an uploaded file that is not found is uploaded once more', async () => {
    let sends = 0
    const subject = openSubject(KIT, {
      platform: request => (on('kf/send_msg')(request) && ++sends === 1 ? errcode(40007) : healthy(request)),
    })
    const file = { bytes: Buffer.from('%PDF-1.7'), type: 'application/pdf', name: 'a.pdf' }
    const piece = { part: { type: 'file', media: 'md_1' }, file } as const
    assert.deepEqual(await subject.adapter.send(TO, piece, NONE), { type: 'sent' })
    assert.equal(subject.requests.filter(on('media/upload')).length, 2)
  })

  test('ids of messages name their piece, whatever its numbers', () => {
    for (const n of [1, 7, 123_456, Number.MAX_SAFE_INTEGER])
      for (const piece of [0, 35, 999]) {
        const id = messageIdOf({ ...TO, n, piece })
        assert.match(id, /^[0-9a-zA-Z_-]{1,32}$/)
        assert.deepEqual(pieceOf(id), { n, piece })
        assert.notEqual(id, messageIdOf({ ...TO, n, piece, id: 'another' }))
      }
    for (const other of ['', 'msg1', `k0-0-${'a'.repeat(14)}`, 'x'.repeat(44)]) assert.equal(pieceOf(other), undefined)
  })

  test('a failure that is reported later names the message', async () => {
    const failed = event('msg_send_fail', { fail_msgid: messageIdOf(TO), fail_type: 6 })
    const { events } = await pullAll(openSubject(KIT, { platform: syncing(failed) }))
    const [found] = events
    assert.ok(found?.type === 'failure')
    assert.deepEqual([found.contact, found.n, found.piece], [CONTACT, 7, 0])
  })
})
