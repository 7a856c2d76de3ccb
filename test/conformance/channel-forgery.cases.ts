import assert from 'node:assert/strict'
import type { Reception } from '../../src/daemon/core/channel-adapter.js'
import { mutate } from '../helpers/mutate.js'
import { Random } from '../helpers/random.js'
import { anySample, assertExpected } from './channel-inbound.cases.js'
import {
  AT_MS,
  arrival,
  type ChannelKit,
  isNone,
  openSubject,
  type Register,
  signing,
  type WireCallback,
} from './channel-kit.js'

/** Mutants of each kind of request. */
const MUTANTS = process.env.KEFU_TEST_LONG === '1' ? 10_000 : 3_000
const SEED = 4

/** What an adapter makes of callbacks that the platform has not signed: nothing, or exactly what it has signed. */
export function forgeryCases(kit: ChannelKit, test: Register): void {
  const { payload } = anySample(kit)
  const originals: Record<string, WireCallback> = { callback: kit.callback(payload, signing(kit)) }
  if (!isNone(kit.handshake)) originals.handshake = kit.handshake.callback(signing(kit))

  for (const [name, original] of Object.entries(originals)) {
    test(`every bit of a ${name} is signed, or does not matter`, () => {
      const judge = createJudge(kit, original)
      for (const forged of flips(original)) judge(forged)
      judge.assertSome('refused')
    })

    test(`every part of a ${name} that is left out or doubled is signed, or does not matter`, () => {
      const judge = createJudge(kit, original)
      for (const forged of omissions(original)) judge(forged)
      judge.assertSome('refused')
    })

    test(`${MUTANTS} mutants of a ${name} bring nothing new`, () => {
      const judge = createJudge(kit, original)
      for (let index = 0; index < MUTANTS; index++)
        judge(mutant(new Random(SEED + Math.imul(index, 0x9e3779b1)), original))
      judge.assertSome('refused')
    })
  }

  test('a signature of one request is none of another', () => {
    const samples = Object.values(kit.inbound.known)
    const [first, second] = [samples[0]!, samples.find(({ payload: other }) => other.body !== payload.body)]
    assert.ok(second, 'the kit has two different payloads')
    const a = kit.callback(first.payload, signing(kit))
    const b = kit.callback(second.payload, signing(kit, { random: new Random(12) }))
    const judge = createJudge(kit, a)
    judge({ ...a, body: b.body })
    judge.assertSome('refused')
    const other = createJudge(kit, b)
    other({ ...b, body: a.body })
    other.assertSome('refused')
  })
}

/** Takes forged requests: each has to be refused, or to mean what the original means. */
function createJudge(kit: ChannelKit, original: WireCallback) {
  const { adapter } = openSubject(kit)
  const expected = adapter.receive(arrival(original))
  const counts = { refused: 0, same: 0 }
  const judge = (forged: WireCallback): void => {
    const callback = arrival(forged, AT_MS)
    let reception: Reception
    try {
      reception = adapter.receive(callback)
    } catch (error) {
      assertExpected(error, describeWire(forged))
      counts.refused += 1
      return
    }
    // Who asks for an echo gets the one that is asked for: it is not signed, and means nothing.
    if (original.method === 'GET') {
      assert.deepEqual(reception.events, [])
      return
    }
    // Only what failed is described: a description of each would take longer than its judgement.
    try {
      assert.deepEqual(reception, expected)
    } catch (cause) {
      throw new Error(`accepted: ${describeWire(forged)}`, { cause })
    }
    counts.same += 1
  }
  judge.assertSome = (kind: 'refused' | 'same') => assert.ok(counts[kind] > 0, `some are ${kind}`)
  return judge
}

/** The request with one bit changed: of its body, and of every value of its query and headers. */
function* flips(original: WireCallback): Generator<WireCallback> {
  const { body, query, headers } = original
  for (let bit = 0; bit < body.length * 8; bit++) {
    const changed = Uint8Array.from(body)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    yield { ...original, body: changed }
  }
  for (const [place, fields] of Object.entries({ query, headers }))
    for (const [name, value] of Object.entries(fields)) {
      const bytes = Buffer.from(value)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        yield { ...original, [place]: { ...fields, [name]: changed.toString() } }
      }
    }
}

/** The request without one of its values, with an empty one, and with one that is doubled. */
function* omissions(original: WireCallback): Generator<WireCallback> {
  const { body, query, headers } = original
  for (const [place, fields] of Object.entries({ query, headers }))
    for (const [name, value] of Object.entries(fields)) {
      const { [name]: _, ...others } = fields
      yield { ...original, [place]: others }
      yield { ...original, [place]: { ...fields, [name]: '' } }
      yield { ...original, [place]: { ...fields, [name]: value + value } }
    }
  yield { ...original, query: {}, headers: {} }
  yield { ...original, body: new Uint8Array() }
  yield { ...original, body: Buffer.concat([body, body]) }
}

function mutant(random: Random, original: WireCallback): WireCallback {
  const places = [
    ...(original.body.length > 0 ? (['body', 'body'] as const) : []),
    ...(Object.keys(original.query).length > 0 ? (['query'] as const) : []),
    ...(Object.keys(original.headers).length > 0 ? (['headers'] as const) : []),
  ]
  const place = random.pick(places)
  if (place === 'body') return { ...original, body: mutate(random, [original.body]) }
  const fields = original[place]
  const name = random.pick(Object.keys(fields))
  const value = Buffer.from(mutate(random, [Buffer.from(fields[name]!)])).toString()
  return { ...original, [place]: { ...fields, [name]: value } }
}

function describeWire({ method, query, headers, body }: WireCallback): string {
  const fields = JSON.stringify({ query, headers })
  return `${method} ${fields} ${Buffer.from(body).toString('latin1')}`.slice(0, 4_000)
}
