import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Inbound } from '../../src/client/inbound.js'
import { parseServerFrame, receive } from '../../src/client/server-frame.js'
import { encodeFrame, encodeJsonFrame, encodeRawFrame } from '../../src/codec/frame.js'
import { pack } from '../../src/codec/msgpack.js'
import { FRAME_KINDS, type ServerBodies, type ServerKind } from '../../src/codec/wire.js'
import { isKefuError, type KefuError } from '../../src/errors.js'
import { agentMessage, agentWelcome, CONVERSATION, inboxEntry, stub, visitorWelcome } from './fake-server.js'

const BODIES: { readonly [K in ServerKind]: ServerBodies[K] } = {
  welcome: visitorWelcome(3, { token: 'kvt_1', marks: { delivered: 2, read: 0 } }),
  inbox: { entries: [inboxEntry(1, 2, { unread: 1, marks: { delivered: 2, read: 0 } })], more: true },
  ack: { id: 'x', conversation: CONVERSATION, n: 2 },
  deliver: { conversation: CONVERSATION, ...agentMessage(3), cursor: '0:3', contact: 'v_1' },
  typing: { conversation: CONVERSATION, by: { role: 'contact' }, on: true },
  read: { conversation: CONVERSATION, by: { role: 'agent', id: 'a_1' }, n: 2 },
  delivered: { conversation: CONVERSATION, by: { role: 'agent', id: 'a_1' }, n: 2 },
  presence: { conversation: CONVERSATION, agent: 'a_1', state: 'offline' },
  page: { conversation: CONVERSATION, after: 0, head: 2, records: [stub(1), agentMessage(2)] },
  error: { code: 'KEFU_RATE_LIMITED', message: 'm', hint: 'h', retryable: true, retryAfterMs: 5 },
  goAway: { reason: 'restart', reconnectAfterMs: 100 },
  media: { media: 'md_1', url: '/x', expiresAt: 1 },
  done: { conversation: CONVERSATION, n: 2, changed: true },
  contact: {
    conversation: CONVERSATION,
    channel: 1,
    contact: 'v_1',
    name: '李雷',
    language: 'zh',
    attributes: { tier: 'gold' },
    person: 'p_1',
    conversations: [
      {
        conversation: CONVERSATION,
        channel: 1,
        contact: 'v_1',
        state: 'active',
        episode: 2,
        openedAt: 5,
        n: 7,
        at: 9,
        agent: 'a_1',
        agentName: '小王',
        rating: 5,
      },
    ],
    more: false,
  },
  canned: { replies: [{ shortcut: 'hi', text: '您好', language: 'zh' }], next: 40 },
  search: {
    hits: [
      {
        conversation: CONVERSATION,
        n: 7,
        at: 9,
        channel: 1,
        contact: 'user 1',
        name: '李雷',
        by: { role: 'contact' },
        direction: 'in',
        kinds: ['text'],
        text: '订单',
        marks: [[0, 2]],
        cut: true,
      },
    ],
    next: '0:7',
  },
  queue: { conversation: CONVERSATION, ahead: 3, estimatedWaitMs: 60_000 },
}

/** The frame of a message, or the one error it may end in. */
function read(data: Uint8Array | string): unknown {
  const received = receive(data)
  return received.compressed ? undefined : parseServerFrame(received.frame)
}

const RUNS = process.env.KEFU_TEST_LONG === '1' ? 20_000 : 2_000

describe('server frames', () => {
  for (const [kind, body] of Object.entries(BODIES) as [ServerKind, object][]) {
    it(`reads ${kind}, with fields it does not know, and refuses it without each of the fields it needs`, () => {
      for (const data of [
        encodeFrame(7, kind, 5, { ...body, later: 1 }),
        encodeJsonFrame(7, kind, 5, { ...body, later: 1 }),
      ]) {
        assert.deepEqual(read(data), { channel: 7, kind, flags: 0, correlation: 5, body: { ...body, later: 1 } })
      }
      const optional = [
        'token',
        'marks',
        'n',
        'conversation',
        'cursor',
        'contact',
        'retryAfterMs',
        'estimatedWaitMs',
        'serverTime',
        'next',
      ]
      const isOptional = (field: string): boolean =>
        kind === 'contact'
          ? ['name', 'language', 'person'].includes(field)
          : optional.includes(field) && (kind === 'welcome' || (field !== 'n' && field !== 'conversation'))
      for (const field of Object.keys(body)) {
        const rest: Record<string, unknown> = { ...body }
        delete rest[field]
        if (isOptional(field)) assert.ok(read(encodeFrame(7, kind, 5, rest)))
        else assert.throws(() => read(encodeFrame(7, kind, 5, rest)), isKefuError, field)
        if (field !== 'serverTime')
          assert.throws(() => read(encodeFrame(7, kind, 5, { ...body, [field]: { wrong: 1 } })), isKefuError, field)
      }
    })
  }

  it('refuses marks and counts that are no numbers, and entries without them are right', () => {
    const inbox = (extra: object) =>
      encodeFrame(0, 'inbox', 1, { entries: [{ ...inboxEntry(1, 2), ...extra }], more: false })
    assert.ok(read(inbox({})))
    for (const wrong of [
      { unread: -1 },
      { unread: '1' },
      { marks: 2 },
      { marks: { delivered: 2 } },
      { marks: { read: 1.5, delivered: 2 } },
    ])
      assert.throws(() => read(inbox(wrong)), isKefuError, JSON.stringify(wrong))
  })

  it('accepts an agent welcome', () => {
    assert.ok(read(encodeFrame(0, 'welcome', 1, agentWelcome('0:1'))))
  })

  it('gives a frame or a KefuError for any damage', () => {
    const frames = (Object.entries(BODIES) as [ServerKind, object][]).map(([kind, body]) =>
      encodeFrame(7, kind, 5, body),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (frame, changes, cut) => {
          const bytes = frame.slice(0, cut % 8 === 0 ? cut % frame.length : frame.length)
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
          try {
            read(bytes)
          } catch (error) {
            assert.ok(isKefuError(error), String(error))
          }
        },
      ),
      { numRuns: 4 * RUNS },
    )
  })

  it('gives a frame or a KefuError for any JSON', () => {
    const kinds = Object.keys(FRAME_KINDS)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.record({ kind: fc.constantFrom(...kinds), body: fc.jsonValue() }).map(x => JSON.stringify(x)),
        ),
        text => {
          try {
            read(text)
          } catch (error) {
            assert.ok(isKefuError(error), String(error))
          }
        },
      ),
      { numRuns: RUNS },
    )
  })
})

describe('inbound', () => {
  const compressed = (n: number): Uint8Array =>
    encodeRawFrame(7, 'page', 0, pack({ conversation: CONVERSATION, after: n, head: n, records: [] }), 1)

  function create(decompress?: (bytes: Uint8Array) => Promise<Uint8Array>) {
    const seen: (number | string)[] = []
    const inbound = new Inbound(decompress, {
      frame: ({ body }) => void seen.push('after' in body ? body.after : (body as { n: number }).n),
      violated: (error: KefuError) => void seen.push(error.code),
      inflateFailed: () => void seen.push('inflate failed'),
    })
    return { inbound, seen }
  }

  it('keeps the order of frames however long each takes to inflate', async () => {
    const release: (() => void)[] = []
    const { inbound, seen } = create(bytes => new Promise(resolve => release.push(() => resolve(bytes))))
    const ack = (n: number): Uint8Array => encodeFrame(7, 'ack', 0, { id: 'x', conversation: CONVERSATION, n })
    for (const data of [ack(1), compressed(2), ack(3), compressed(4), ack(5)]) inbound.take(data)
    assert.deepEqual(seen, [1])
    for (let turn = 0; turn < 2; turn++) {
      release[turn]!()
      await new Promise(setImmediate)
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5])
  })

  it('drops what comes late to a connection that is gone', async () => {
    const { inbound, seen } = create(async bytes => bytes)
    inbound.take(compressed(1))
    inbound.stop()
    await new Promise(setImmediate)
    inbound.take(compressed(2))
    assert.deepEqual(seen, [])
  })

  it('refuses compressed frames that nobody asked for, and too many frames behind one', () => {
    const unasked = create()
    unasked.inbound.take(compressed(1))
    assert.deepEqual(unasked.seen, ['KEFU_FRAME_INVALID'])
    const stuck = create(() => new Promise(() => {}))
    for (let count = 0; count < 5_000; count++) stuck.inbound.take(compressed(1))
    assert.deepEqual(stuck.seen, ['KEFU_QUEUE_FULL'])
  })
})
