import assert from 'node:assert/strict'
import type { InboundEvent } from '../../src/daemon/core/channel-adapter.js'
import { isKefuError } from '../../src/errors.js'
import { Random } from '../helpers/random.js'
import {
  AT_MS,
  arrival,
  type ChannelKit,
  type InboundSample,
  isNone,
  openSubject,
  type Register,
  signing,
  take,
  wordsOf,
} from './channel-kit.js'

const LATE_MS = 3_600_000
const BOUNDED_MS = 1_000
const CONTACT_LENGTH = 128

/** What an adapter makes of callbacks that the platform has signed. */
export function inboundCases(kit: ChannelKit, test: Register): void {
  handshakeCase(kit, test)
  sampleCases(kit, test)
  repetitionCases(kit, test)
  secretCases(kit, test)
  boundCases(kit, test)
}

function handshakeCase(kit: ChannelKit, test: Register): void {
  const { handshake } = kit
  test('answers the handshake of a new address', { skip: isNone(handshake) ? handshake.none : false }, () => {
    if (isNone(handshake)) return
    const { adapter } = openSubject(kit)
    const reception = adapter.receive(arrival(handshake.callback(signing(kit))))
    assert.deepEqual(reception, { answer: handshake.answer, events: [] })
  })
}

function sampleCases(kit: ChannelKit, test: Register): void {
  const { known, unknown, bigIds, late, hostile, invalid } = kit.inbound
  const groups = { known, unknown, late, hostile, ...(isNone(bigIds) ? {} : { bigIds }) }
  if (isNone(bigIds)) test('keeps 64-bit ids', { skip: bigIds.none }, () => {})

  for (const [group, samples] of Object.entries(groups)) {
    test(`has samples: ${group}`, () => assert.ok(Object.keys(samples).length > 0))
    for (const [name, sample] of Object.entries(samples))
      test(`reads ${group}: ${name}`, async () => {
        const { answer, events } = await received(kit, sample)
        assert.deepEqual(answer, kit.success)
        assert.deepEqual(events, sample.events)
        for (const event of events) assertSound(kit, event)
      })
  }

  for (const [name, sample] of Object.entries(late))
    test(`keeps the platform's time: ${name}`, async () => {
      const { events } = await received(kit, sample)
      assert.ok(events.length > 0)
      for (const { sentAtMs } of events) assert.equal(sentAtMs, AT_MS - LATE_MS)
    })

  for (const [name, payload] of Object.entries(invalid))
    test(`refuses what is signed but wrong: ${name}`, () => {
      const { adapter } = openSubject(kit)
      const callback = arrival(kit.callback(payload, signing(kit)))
      assert.throws(
        () => adapter.receive(callback),
        error => isKefuError(error, 'KEFU_CALLBACK_INVALID'),
      )
    })
}

function repetitionCases(kit: ChannelKit, test: Register): void {
  const samples = Object.entries(kit.inbound.known)

  test('the same again is the same event, byte by byte and signed anew', async () => {
    for (const [name, sample] of samples) {
      const first = await received(kit, sample)
      const again = await received(kit, sample)
      const anew = await received(kit, sample, { atMs: AT_MS + 15_000, random: new Random(99) })
      assert.deepEqual(again.events, first.events, name)
      assert.deepEqual(anew.events, first.events, name)
    }
  })

  test('different events have different keys', async () => {
    const keys = new Map<string, string>()
    for (const [name, sample] of samples)
      for (const { key } of (await received(kit, sample)).events) {
        assert.equal(keys.get(key), undefined, `${name} and ${keys.get(key)} have the key ${key}`)
        keys.set(key, name)
      }
  })

  test('nothing is lost when callbacks overtake each other', async () => {
    const subject = openSubject(kit)
    const expected = new Set(samples.flatMap(([, { events }]) => events.map(({ key }) => key)))
    const seen = new Set<string>()
    const shuffled = [...samples].sort(([a], [b]) => (a > b ? -1 : 1))
    for (const [, sample] of shuffled) {
      if (sample.platform !== undefined) {
        for (const { key } of (await received(kit, sample)).events) seen.add(key)
        continue
      }
      const { events } = await take(subject, arrival(kit.callback(sample.payload, signing(kit))))
      for (const { key } of events) seen.add(key)
    }
    assert.deepEqual(seen, expected)
  })

  const { maxAgeMs } = kit
  test('an old signature is refused', { skip: isNone(maxAgeMs) ? maxAgeMs.none : false }, () => {
    if (isNone(maxAgeMs)) return
    const { adapter } = openSubject(kit)
    const sample = anySample(kit)
    for (const offsetMs of [-maxAgeMs - 2_000, maxAgeMs + 2_000]) {
      const callback = arrival(kit.callback(sample.payload, signing(kit, { atMs: AT_MS + offsetMs })))
      assertRefused(() => adapter.receive(callback), `${offsetMs} ms`)
    }
    for (const offsetMs of [-maxAgeMs + 2_000, maxAgeMs - 2_000])
      adapter.receive(arrival(kit.callback(sample.payload, signing(kit, { atMs: AT_MS + offsetMs }))))
  })
}

function secretCases(kit: ChannelKit, test: Register): void {
  test("another channel's secrets are refused", () => {
    const { adapter } = openSubject(kit)
    const { payload } = anySample(kit)
    for (const name of inboundSecrets(kit)) {
      const secrets = { ...kit.secrets, [name]: kit.otherSecrets[name]! }
      assert.notEqual(secrets[name], kit.secrets[name], `${name} of the other account is another one`)
      assertRefused(() => adapter.receive(arrival(kit.callback(payload, signing(kit, { secrets })))), name)
    }
  })

  const { otherSettings, handshake } = kit
  test('what is meant for another account is refused', {
    skip: isNone(otherSettings) ? otherSettings.none : false,
  }, () => {
    if (isNone(otherSettings)) return
    const { adapter } = openSubject(kit)
    const settings = { ...signing(kit).settings, ...otherSettings }
    assertRefused(
      () => adapter.receive(arrival(kit.callback(anySample(kit).payload, signing(kit, { settings })))),
      'the right secret',
    )
  })

  test('a secret and the one that it replaced are both good', async () => {
    const sample = anySample(kit)
    for (const name of inboundSecrets(kit)) {
      const rotated = { ...kit.secrets, [name]: { value: kit.otherSecrets[name]!, previous: kit.secrets[name]! } }
      const ways = [kit.secrets, { ...kit.secrets, [name]: kit.otherSecrets[name]! }]
      for (const secrets of ways) {
        const subject = openSubject(kit, { secrets: rotated, ...platformOf(sample) })
        const taken = await take(subject, arrival(kit.callback(sample.payload, signing(kit, { secrets }))))
        assert.deepEqual(taken.events, sample.events, name)
        if (isNone(handshake)) continue
        const { answer } = subject.adapter.receive(arrival(handshake.callback(signing(kit, { secrets }))))
        assert.deepEqual(answer, handshake.answer, name)
      }
    }
  })

  test('without its secrets nothing is taken in', () => {
    const callback = arrival(kit.callback(anySample(kit).payload, signing(kit)))
    for (const missing of inboundSecrets(kit)) {
      const secrets = Object.fromEntries(Object.entries(kit.secrets).filter(([name]) => name !== missing))
      const { adapter } = openSubject(kit, { secrets })
      assert.throws(
        () => adapter.receive(callback),
        error => isKefuError(error, 'KEFU_CREDENTIAL_MISSING') && error.detail.name === missing,
      )
    }
  })
}

function boundCases(kit: ChannelKit, test: Register): void {
  const formats = [...new Set(Object.values(kit.inbound.known).map(({ payload }) => payload.format))]
  for (const [name, body] of Object.entries(monsters(formats)))
    test(`a monster ends in bounded time: ${name}`, () => {
      const { adapter } = openSubject(kit)
      for (const format of formats) {
        // Signed, and not: an unsigned one must not even be read.
        const signed = kit.callback({ format, body }, signing(kit))
        const wires = [signed, { ...signed, body: Buffer.from(body) }]
        for (const wire of wires) {
          const startedMs = performance.now()
          try {
            for (const event of adapter.receive(arrival(wire)).events) assertSound(kit, event)
          } catch (error) {
            assertExpected(error, name)
            assert.ok(wordsOf(error).length < 8_000, 'an error does not repeat what came')
          }
          assert.ok(performance.now() - startedMs < BOUNDED_MS, `${name} took ${performance.now() - startedMs} ms`)
        }
      }
      assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
    })
}

/** Bodies that are too large, too deep, or meant to be expanded. */
function monsters(formats: readonly string[]): Record<string, string | Uint8Array> {
  const depth = 200_000
  const common = {
    nothing: '',
    blanks: ' '.repeat(1_000_000),
    zeros: new Uint8Array(1_000_000),
    'not UTF-8': Uint8Array.from({ length: 100_000 }, (_, index) => 128 + (index % 128)),
    quotes: '"'.repeat(500_000),
    backslashes: `{"a":"${'\\'.repeat(500_001)}`,
    digits: '9'.repeat(1_000_000),
    'many digits': `[${'12345678901234567890,'.repeat(40_000)}1]`,
  }
  const json = {
    'deep lists': '['.repeat(depth) + ']'.repeat(depth),
    'deep objects': `${'{"a":'.repeat(depth / 2)}1${'}'.repeat(depth / 2)}`,
    'many members': `{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(',')}}`,
    pollution: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  }
  const xml = {
    'deep elements': `<xml>${'<a>'.repeat(depth / 2)}${'</a>'.repeat(depth / 2)}</xml>`,
    'open elements': `<xml>${'<a>'.repeat(depth)}`,
    'many elements': `<xml>${'<a>1</a>'.repeat(depth / 2)}</xml>`,
    'open CDATA': `<xml><a>${'<![CDATA['.repeat(100_000)}</xml>`,
    'billion laughs': `<!DOCTYPE xml [<!ENTITY a "${'ha'.repeat(1000)}">${Array.from({ length: 9 }, (_, n) => `<!ENTITY a${n} "${'&a;'.repeat(10)}">`).join('')}]><xml><Content>&a8;</Content></xml>`,
    'external entity': '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Content>&x;</Content></xml>',
    'many attributes': `<xml ${Array.from({ length: 50_000 }, (_, n) => `a${n}="1"`).join(' ')}></xml>`,
    'open brackets': '<'.repeat(500_000),
    ampersands: `<xml><Content>${'&'.repeat(500_000)}</Content></xml>`,
    pollution: '<xml><__proto__><polluted>1</polluted></__proto__><constructor>1</constructor></xml>',
  }
  return { ...common, ...(formats.includes('json') ? json : {}), ...(formats.includes('xml') ? xml : {}) }
}

/** The sample that single cases are made of: the first known one. */
export function anySample({ inbound }: ChannelKit): InboundSample {
  return Object.values(inbound.known)[0]!
}

/** What became of a sample's callback, on a fresh adapter. */
export function received(kit: ChannelKit, sample: InboundSample, changes: Parameters<typeof signing>[1] = {}) {
  return take(openSubject(kit, platformOf(sample)), arrival(kit.callback(sample.payload, signing(kit, changes))))
}

/** The errors that receiving may throw. */
export function assertExpected(error: unknown, name: string): void {
  const isExpected = isKefuError(error, 'KEFU_CALLBACK_REFUSED') || isKefuError(error, 'KEFU_CALLBACK_INVALID')
  if (!isExpected) throw new Error(`${name}: an error of another kind`, { cause: error })
}

function assertRefused(receive: () => unknown, name: string): void {
  assert.throws(receive, error => isKefuError(error, 'KEFU_CALLBACK_REFUSED'), name)
}

/** What holds for every event, whoever made it up. */
function assertSound(kit: ChannelKit, event: InboundEvent): void {
  const { grants, inbound } = kit.driver.table.capabilities
  assert.ok(event.key.length > 0 && event.key.length <= 512, `a key of ${event.key.length} characters`)
  assert.ok(event.contact.length > 0 && event.contact.length <= CONTACT_LENGTH)
  assert.ok(Number.isSafeInteger(event.sentAtMs) && event.sentAtMs >= 0)
  if (event.type === 'failure') return
  assert.ok(event.parts.length > 0 && event.parts.length <= 16, `${event.parts.length} parts`)
  for (const { type } of event.parts) assert.ok(inbound.includes(type), `the table does not list ${type}`)
  if (event.grant !== undefined) assert.ok(Object.hasOwn(grants, event.grant), `no grant ${event.grant}`)
}

function inboundSecrets({ driver, secrets }: ChannelKit): readonly string[] {
  const names = Object.entries(driver.table.credentials)
    .filter(([, { neededFor }]) => neededFor === 'inbound')
    .map(([name]) => name)
  return names.filter(name => Object.hasOwn(secrets, name))
}

function platformOf({ platform }: InboundSample) {
  return platform === undefined ? {} : { platform }
}
