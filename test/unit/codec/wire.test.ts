import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeFrame, decodeJsonFrame, encodeFrame, encodeJsonFrame, type Frame } from '../../../src/codec/frame.js'
import { type ClientKind, FRAME_KINDS, type FrameKind, WIRE_LIMITS } from '../../../src/codec/wire.js'
import { parseClientFrame } from '../../../src/codec/wire-schema.js'
import { isKefuError } from '../../../src/errors.js'
import { FUZZ_COUNT, fuzzDecoder } from '../../helpers/mutate.js'
import { BODIES, CLIENT_KINDS, CONVERSATION, GOLDEN } from './wire-bodies.js'

describe('client frames', () => {
  for (const kind of CLIENT_KINDS)
    it(`take a valid ${kind} through both encodings unchanged`, () => {
      fc.assert(
        fc.property(fc.nat(0xffff), fc.nat(0xffff_ffff), BODIES[kind], (channel, correlation, body) => {
          const expected = { channel, kind, correlation, body }
          assert.deepEqual(parseClientFrame(decodeFrame(encodeFrame(channel, kind, correlation, body))), expected)
          assert.deepEqual(
            parseClientFrame(decodeJsonFrame(encodeJsonFrame(channel, kind, correlation, body))),
            expected,
          )
        }),
        { numRuns: 60 },
      )
    })

  it('take every field of every kind', () => {
    for (const kind of CLIENT_KINDS) assert.deepEqual(parse(kind, GOLDEN[kind]), GOLDEN[kind])
  })

  it('have this encoding in bytes', () => {
    const bytes = '00000b0000000000'
    assert.equal(
      hex(encodeFrame(0, 'ack', 9, { conversation: CONVERSATION, n: 1 })),
      `${'0000050000000009'}82ac${hex('conversation')}bc${hex(CONVERSATION)}a16e01`,
    )
    assert.equal(hex(encodeFrame(0, 'page', 0, {})).slice(0, 16), bytes)
  })

  it('refuse the kinds that only servers send', () => {
    for (const kind of Object.keys(FRAME_KINDS) as FrameKind[])
      if (!(CLIENT_KINDS as readonly FrameKind[]).includes(kind))
        assert.throws(
          () => parse(kind, {}),
          error => isKefuError(error, 'KEFU_FRAME_UNEXPECTED') && error.detail.kind === kind,
        )
  })

  it('refuse an unknown field, a missing field and a wrong type in every kind', () => {
    const required: { readonly [K in ClientKind]: readonly string[] } = {
      hello: [],
      inbox: ['before'],
      message: ['id', 'parts'],
      ack: ['n'],
      read: ['n'],
      typing: ['on'],
      presence: ['state'],
      history: [],
      media: ['media'],
      command: ['command'],
      listen: ['conversation', 'on'],
      contact: ['conversation'],
      canned: ['conversation'],
      search: ['query'],
    }
    for (const kind of CLIENT_KINDS) {
      refuse(kind, { ...GOLDEN[kind], extra: 1 })
      refuse(kind, { ...GOLDEN[kind], constructor: {} })
      for (const field of required[kind]) refuse(kind, { ...GOLDEN[kind], [field]: undefined })
      for (const field of Object.keys(GOLDEN[kind]))
        for (const value of [null, { a: 1 }, [], Symbol.iterator, Number.NaN, -1]) {
          if (kind === 'history' && field === 'limit' && value === undefined) continue
          refuse(kind, { ...GOLDEN[kind], [field]: value })
        }
    }
  })

  const message = (part: unknown) => ({ id: 'm', parts: [part] })
  const event = (data: unknown) => message({ type: 'event', name: 'a', data })
  const choices = (all: unknown, text = 'a') => message({ type: 'choices', text, choices: all })
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
  const cases: readonly (readonly [what: string, kind: ClientKind, body: object])[] = [
    ['no parts', 'message', { id: 'm', parts: [] }],
    ['17 parts', 'message', { id: 'm', parts: new Array(17).fill({ type: 'text', text: 'a' }) }],
    ['an empty text', 'message', message({ type: 'text', text: '' })],
    ['a text over the limit', 'message', message({ type: 'text', text: 'a'.repeat(WIRE_LIMITS.clientFrameBytes + 1) })],
    ['half a surrogate pair', 'message', message({ type: 'text', text: 'a\ud800' })],
    ['an unknown part', 'message', message({ type: 'script', text: 'a' })],
    ['a part of another type', 'message', message({ type: 'text', text: 'a', media: 'md_1' })],
    ['a media id with a path', 'message', message({ type: 'image', media: 'md_../../etc' })],
    ['a script as link', 'message', message({ type: 'card', title: 'a', url: 'javascript:alert(1)' })],
    ['a link with a space', 'message', message({ type: 'card', title: 'a', url: 'https://a b' })],
    ['a link with a line break', 'message', message({ type: 'card', title: 'a', url: 'https://a\nb' })],
    ['a latitude over 90', 'message', message({ type: 'location', latitude: 90.01, longitude: 0 })],
    ['a longitude that is not a number', 'message', message({ type: 'location', latitude: 0, longitude: Number.NaN })],
    [
      'an infinite longitude',
      'message',
      message({ type: 'location', latitude: 0, longitude: Number.POSITIVE_INFINITY }),
    ],
    ['choices of nothing', 'message', choices([])],
    ['11 choices', 'message', choices(Array.from({ length: 11 }, (_, i) => ({ id: `${i}`, label: 'a' })))],
    ['two choices with the same id', 'message', choices(new Array(2).fill({ id: 'a', label: 'a' }))],
    ['a choice without a label', 'message', choices([{ id: 'a', label: '' }])],
    ['a choice with a label of 41 characters', 'message', choices([{ id: 'a', label: 'a'.repeat(41) }])],
    ['a choice with an id of 65 characters', 'message', choices([{ id: 'a'.repeat(65), label: 'a' }])],
    ['a choice with a space in its id', 'message', choices([{ id: 'a b', label: 'a' }])],
    ['choices without a question', 'message', choices([{ id: 'a', label: 'a' }], '')],
    ['choices with a question of 1,001 characters', 'message', choices([{ id: 'a', label: 'a' }], 'a'.repeat(1001))],
    ['event data of 33 keys', 'message', event(keys(33))],
    ['event data of a list', 'message', event([1])],
    ['nested event data', 'message', event({ a: { b: 1 } })],
    ['event data with a key of 41 characters', 'message', event({ ['k'.repeat(41)]: 1 })],
    ['event data with infinity', 'message', event({ a: Number.POSITIVE_INFINITY })],
    ['an id with a space', 'message', { ...GOLDEN.message, id: 'a b' }],
    ['an id of 65 characters', 'message', { ...GOLDEN.message, id: 'a'.repeat(65) }],
    ['an id beyond ASCII', 'message', { ...GOLDEN.message, id: '嗨' }],
    ['a conversation id in lower case', 'ack', { conversation: CONVERSATION.toLowerCase(), n: 1 }],
    ['a contact with a control character', 'ack', { contact: 'a\u0000', n: 1 }],
    ['a contact of 129 characters', 'ack', { contact: 'a'.repeat(129), n: 1 }],
    ['a receipt for 0', 'ack', { n: 0 }],
    ['a receipt for a fraction', 'read', { n: 1.5 }],
    ['a receipt above 2^53', 'read', { n: 2 ** 53 }],
    ['history in both directions', 'history', { after: 1, before: 9 }],
    ['history of 501', 'history', { limit: 501 }],
    ['history of nothing', 'history', { limit: 0 }],
    ['a signature in upper case', 'hello', { identity: { ...GOLDEN.hello.identity, signature: 'A'.repeat(64) } }],
    ['a signature cut short', 'hello', { identity: { ...GOLDEN.hello.identity, signature: 'a'.repeat(63) } }],
    ['an unknown field in an identity', 'hello', { identity: { ...GOLDEN.hello.identity, admin: true } }],
    ['an empty token', 'hello', { token: '' }],
    ['a token over the limit', 'hello', { token: 'a'.repeat(1025) }],
    ['an unknown presence', 'presence', { state: 'offline' }],
  ]
  for (const [what, kind, body] of cases) it(`refuse ${what}`, () => refuse(kind, body))

  it('accept what is at the limits', () => {
    const at: readonly (readonly [kind: ClientKind, body: object])[] = [
      ['message', message({ type: 'text', text: 'a'.repeat(WIRE_LIMITS.clientFrameBytes) })],
      ['message', { id: 'a'.repeat(64), parts: new Array(16).fill({ type: 'text', text: 'a' }) }],
      ['message', event(keys(32))],
      ['message', event({})],
      ['message', message({ type: 'location', latitude: -90, longitude: 180 })],
      ['read', { n: 2 ** 53 - 1 }],
      ['history', { before: 0, limit: 1 }],
    ]
    for (const [kind, body] of at) assert.deepEqual(parse(kind, body), body)
  })

  it('keep __proto__ off the prototype and out of the result', () => {
    for (const text of [
      '{"kind":"hello","body":{"__proto__":{"token":"x"}}}',
      '{"kind":"message","body":{"id":"m","parts":[{"type":"event","name":"a","data":{"__proto__":{"b":1}}}]}}',
      '{"kind":"message","body":{"id":"m","parts":[{"__proto__":{"type":"text","text":"a"}}]}}',
    ]) {
      let body: object = {}
      try {
        body = parseClientFrame(decodeJsonFrame(text)).body
      } catch (error) {
        assert.ok(isRefusal(error))
      }
      assert.doesNotMatch(JSON.stringify(body), /__proto__|"b"|"token"/)
    }
    assert.equal('b' in {}, false)
  })

  it('refuse in time what makes a schema work', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`_${i.toString(36)}`, i]))
    const attacks: readonly (readonly [what: string, kind: ClientKind, body: object])[] = [
      ['32,000 parts', 'message', { id: 'm', parts: new Array(32_000).fill(0) }],
      ['4,000 parts of a known type', 'message', { id: 'm', parts: new Array(4000).fill({ type: 'event' }) }],
      ['10,000 keys of event data', 'message', event(many(10_000))],
      ['10,000 unknown fields', 'hello', many(10_000)],
      ['10,000 unknown fields of a part', 'message', message({ type: 'text', text: 'a', ...many(10_000) })],
      ['a text of 64 KiB', 'message', message({ type: 'text', text: `${'嗨'.repeat(21_000)}\ud800` })],
      ['a contact of 64 KiB', 'ack', { contact: 'a'.repeat(64_000), n: 1 }],
      ['a link of 64 KiB', 'message', message({ type: 'card', title: 'a', url: `https://${'a'.repeat(64_000)} ` })],
    ]
    for (const [what, kind, body] of attacks) {
      let fastestMs = Number.POSITIVE_INFINITY
      for (let attempt = 0; attempt < 3; attempt++) {
        const started = performance.now()
        refuse(kind, body)
        fastestMs = Math.min(fastestMs, performance.now() - started)
      }
      assert.ok(fastestMs < 60, `${what}: ${fastestMs} ms`)
    }
  })

  it('say what is wrong in words of the protocol', () => {
    for (const [kind, body, sentence] of [
      ['message', { parts: [] }, 'id is missing'],
      ['message', { id: 'm', parts: [] }, 'parts must not be empty'],
      ['message', { id: 'm', parts: [1] }, 'parts.0 must be a map'],
      ['message', message({ type: 'text', text: 5 }), 'parts.0.text must be a text'],
      ['message', message({}), 'parts.0.type is missing'],
      ['message', message({ type: 'script' }), 'parts.0.type has a value that is not allowed there'],
      ['message', { ...GOLDEN.message, id: 'a b' }, 'id is not in the form that the protocol asks for'],
      ['message', event({ 'hunter 2': 1 }), 'parts.0.data is not in the form that the protocol asks for'],
      ['message', event(keys(33)), 'parts.0.data must be a map of at most 32 fields'],
      ['hello', { token: 'a'.repeat(1025) }, 'token must have at most 1024 characters'],
      ['hello', { admin: true }, 'has a field that is not in the protocol'],
      ['history', { limit: 1.5 }, 'limit must be a whole number'],
      ['history', { limit: 501 }, 'limit must be at most 500'],
      ['ack', { n: 0 }, 'n must be at least 1'],
      ['typing', { on: 1 }, 'on must be true or false'],
      ['presence', { state: 'offline' }, 'state must be online or away'],
    ] as const)
      assert.throws(() => parse(kind, body), { message: `the frame is not valid: ${kind}: ${sentence}` })
    for (const [, kind, body] of cases)
      assert.throws(
        () => parse(kind, body),
        error => !/invalid|expected|received|unrecognized|input:|regex|pattern|[<>=]=?\d/i.test(sentenceOf(error)),
      )
  })

  it('say what is wrong in a bounded sentence, without the content', () => {
    for (const [kind, body] of [
      ['message', message({ type: 'text', text: 5, secret: 'hunter2' })],
      ['hello', { token: ['hunter2'] }],
      ['hello', { identity: 'hunter2' }],
      ['message', message({ type: 'hunter2' })],
      ['ack', { contact: 'hunter2\u0000', n: 1 }],
      ['inbox', { before: 'hunter2'.repeat(100) }],
    ] as const)
      assert.throws(
        () => parse(kind, body),
        error => {
          assert.ok(isKefuError(error, 'KEFU_FRAME_INVALID'))
          assert.ok(error.message.length < 250, error.message)
          assert.doesNotMatch(error.message, /hunter2/)
          return true
        },
      )
  })

  it('give a frame or one of two errors for mutated bytes and text', async () => {
    const sample = CLIENT_KINDS.flatMap(kind =>
      [GOLDEN[kind], ...fc.sample(BODIES[kind], { numRuns: 3, seed: 6 })].map(body => [kind, body] as const),
    )
    for (const [name, seed, corpus, decode] of [
      ['binary', 51, sample.map(([kind, body]) => encodeFrame(0, kind, 1, body)), decodeFrame],
      [
        'JSON',
        52,
        sample.map(([kind, body]) => Buffer.from(encodeJsonFrame(0, kind, 1, body))),
        (bytes: Uint8Array) => decodeJsonFrame(Buffer.from(bytes).toString()),
      ],
    ] as const) {
      const { values, errors } = await fuzzDecoder({
        name: `client frames, ${name}`,
        seed,
        corpus,
        decode: bytes => parseClientFrame(decode(bytes)),
        isExpectedError: error => isRefusal(error) || isKefuError(error, 'KEFU_FRAME_UNEXPECTED'),
        // What was accepted once is accepted again: the result is of the schema, nothing else.
        check: frame => assert.deepEqual(parse(frame.kind, frame.body), frame.body),
      })
      assert.ok(values > FUZZ_COUNT / 200 && errors > FUZZ_COUNT / 40, `${name}: ${values} values, ${errors} errors`)
    }
  })
})

function parse(kind: FrameKind, body: object): object {
  const frame: Frame = { channel: 0, kind, flags: 0, correlation: 0, body: body as Frame['body'] }
  return parseClientFrame(frame).body
}

function refuse(kind: ClientKind, body: object): void {
  assert.throws(() => parse(kind, body), isRefusal, `${kind} ${JSON.stringify(body).slice(0, 200)}`)
}

function sentenceOf(error: unknown): string {
  assert.ok(isKefuError(error, 'KEFU_FRAME_INVALID'))
  return String(error.detail.reason)
}

function isRefusal(error: unknown): boolean {
  return isKefuError(error, 'KEFU_FRAME_INVALID')
}

function hex(input: Uint8Array | string): string {
  return Buffer.from(input as string).toString('hex')
}
