import assert from 'node:assert/strict'
import type { OutboundPiece, PlatformRequest, Recipient, SendOutcome } from '../../src/daemon/core/channel-adapter.js'
import { isKefuError } from '../../src/errors.js'
import {
  type Answer,
  type ChannelKit,
  type ChannelSubject,
  isNone,
  openSubject,
  type PlatformScript,
  type Refusal,
  type Register,
  type TokenKit,
  wordsOf,
} from './channel-kit.js'

const CROWD = 100
const JSON_TYPE = { 'content-type': 'application/json' }
const PAGE = '<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>'

/** What an adapter makes of what its platform answers. */
export function outboundCases(kit: ChannelKit, test: Register): void {
  sampleCases(kit, test)
  refusalCases(kit, test)
  faultCases(kit, test)
  abortCases(kit, test)
  tokenCases(kit, test)
  fileCases(kit, test)
  checkCases(kit, test)
}

function sampleCases(kit: ChannelKit, test: Register): void {
  const { samples } = kit.outbound
  for (const type of kit.driver.table.capabilities.outbound)
    test(`has a sample of what it takes: ${type}`, () =>
      assert.ok(Object.values(samples).some(({ piece }) => piece.part.type === type)))

  for (const [name, { piece, check }] of Object.entries(samples))
    test(`sends: ${name}`, async () => {
      const subject = openSubject(kit)
      const before = structuredClone(piece)
      assert.deepEqual(await send(kit, subject, piece), { type: 'sent' })
      check(withoutToken(kit, subject.requests))
      assert.deepEqual(structuredClone(piece), before, 'the piece is as it was')
    })

  test('sends text in one call when it has a token', async () => {
    const subject = openSubject(kit)
    await send(kit, subject)
    await send(kit, subject)
    assert.equal(subject.requests.filter(kit.outbound.isSend).length, 2)
    if (!isNone(kit.outbound.token)) assert.equal(subject.requests.filter(kit.outbound.token.is).length, 1)
  })
}

function refusalCases(kit: ChannelKit, test: Register): void {
  const { refusals, windowClosed, channelDown, giveUp } = kit.outbound
  const named = { ...refusals, 'channel down': channelDown, 'give up': giveUp }
  const all = isNone(windowClosed) ? named : { ...named, 'window closed': windowClosed }
  test('the words for the outbox are used as they are meant', {
    skip: isNone(windowClosed) && windowClosed.none,
  }, () => {
    if (!isNone(windowClosed)) assert.equal(windowClosed.outcome, 'window-closed')
  })
  test('the channel goes down and messages are given up', () => {
    assert.equal(channelDown.outcome, 'channel-down')
    assert.equal(giveUp.outcome, 'give-up')
  })
  for (const [name, refusal] of Object.entries(all))
    test(`understands: ${name}`, async () => {
      const subject = openSubject(kit, { platform: sendAnswers(kit, () => refusal.answer) })
      for (let left = refusal.attempts ?? 1; left > 1; left--) await send(kit, subject)
      assertOutcome(kit, await send(kit, subject), refusal)
    })
}

function faultCases(kit: ChannelKit, test: Register): void {
  const readsAnswers = kit.outbound.readsAnswers !== false
  const outcomes: Record<string, { answer: Answer; types: readonly SendOutcome['type'][] }> = {
    'nothing was written': { answer: { fails: 'unwritten' }, types: ['retry'] },
    'no answer after writing': { answer: { fails: 'written' }, types: ['unknown'] },
    'an answer without end': { answer: { fails: 'too-large' }, types: ['unknown'] },
    'HTML and status 200': {
      answer: { status: 200, body: PAGE, headers: { 'content-type': 'text/html' } },
      types: [readsAnswers ? 'unknown' : 'channel-down'],
    },
    'HTML and status 502': {
      answer: { status: 502, body: PAGE, headers: { 'content-type': 'text/html' } },
      types: ['unknown', 'retry'],
    },
    'status 500': { answer: { status: 500, body: '' }, types: ['unknown', 'retry'] },
    'status 503': { answer: { status: 503, body: '' }, types: ['unknown', 'retry'] },
    'half a JSON': { answer: { body: '{"errcode":0,"errm', headers: JSON_TYPE }, types: ['unknown'] },
    'another JSON': { answer: { body: '[null]', headers: JSON_TYPE }, types: ['unknown'] },
    'deep JSON': {
      answer: { body: '['.repeat(30_000) + ']'.repeat(30_000), headers: JSON_TYPE },
      types: ['unknown'],
    },
    'not UTF-8': { answer: { body: Buffer.from([0xff, 0xfe, 0x00]), headers: JSON_TYPE }, types: ['unknown'] },
  }
  for (const [name, { answer, types }] of Object.entries(outcomes)) {
    const isRead = readsAnswers || 'fails' in answer || (answer as { status?: number }).status !== undefined
    const skip = isRead ? false : 'the platform says everything by its status'
    test(`a fault of sending: ${name}`, { skip }, async () => {
      const subject = openSubject(kit, { platform: sendAnswers(kit, () => answer) })
      const outcome = await send(kit, subject)
      assert.ok(types.includes(outcome.type), `${outcome.type}: ${wordsOf(outcome)}`)
      assertSilent(kit, wordsOf(outcome))
      const sends = subject.requests.filter(kit.outbound.isSend).length
      assert.equal(sends, 1, 'nothing is sent twice behind the back of the outbox')
    })
  }

  test('an answer that repeats the secrets is not repeated', async () => {
    const secrets = Object.values(kit.secrets).join(' ')
    const body = { errcode: 99_999, errmsg: secrets, error: secrets, message: secrets, reason: secrets }
    for (const status of [200, 400, 500]) {
      const subject = openSubject(kit, { platform: sendAnswers(kit, () => ({ status, body })) })
      assertSilent(kit, wordsOf(await send(kit, subject)))
    }
  })

  test('without its secrets nothing is sent, and it says which one', async () => {
    const names = Object.entries(kit.driver.table.credentials)
      .filter(([name, { neededFor }]) => neededFor === 'outbound' && Object.hasOwn(kit.secrets, name))
      .map(([name]) => name)
    for (const missing of names) {
      const secrets = Object.fromEntries(Object.entries(kit.secrets).filter(([name]) => name !== missing))
      const subject = openSubject(kit, { secrets })
      const outcome = await send(kit, subject)
      assert.equal(outcome.type, 'channel-down')
      assert.ok(wordsOf(outcome).includes(missing), wordsOf(outcome))
      assert.equal(subject.requests.filter(kit.outbound.isSend).length, 0)
    }
  })
}

function abortCases(kit: ChannelKit, test: Register): void {
  test('aborted before anything was written it throws', async () => {
    const subject = openSubject(kit)
    const abort = AbortSignal.abort()
    await assert.rejects(send(kit, subject, kit.outbound.text, abort), error => isKefuError(error, 'KEFU_ABORTED'))
    assert.equal(subject.requests.filter(kit.outbound.isSend).length, 0)
  })

  test('aborted while the platform thinks, nobody knows', async () => {
    const abort = new AbortController()
    const subject = openSubject(kit, {
      platform: sendAnswers(kit, () => {
        setImmediate(() => abort.abort())
        return { hangs: true }
      }),
    })
    const outcome = await send(kit, subject, kit.outbound.text, abort.signal)
    assert.equal(outcome.type, 'unknown')
  })
}

function tokenCases(kit: ChannelKit, test: Register): void {
  const { token } = kit.outbound
  if (isNone(token)) {
    test('refreshes its token once', { skip: token.none }, () => {})
    return
  }

  test('has samples of a refused token', () => assert.ok(token.refused.length > 0))

  for (const [index, refused] of token.refused.entries()) {
    test(`a refused token is fetched anew once, whoever waits for it (${index})`, async () => {
      const platform = createTokenPlatform(kit, token, refused)
      const subject = openSubject(kit, { platform: platform.script })
      assert.deepEqual(await send(kit, subject), { type: 'sent' })
      platform.revoke()
      const outcomes = await Promise.all(Array.from({ length: CROWD }, () => send(kit, subject)))
      for (const outcome of outcomes) assert.deepEqual(outcome, { type: 'sent' })
      assert.equal(platform.fetched(), 2)
      assert.ok(subject.requests.filter(kit.outbound.isSend).length <= 1 + 2 * CROWD)
    })

    test(`tokens that are refused again and again bring the channel down, in a few calls (${index})`, async () => {
      let tokens = 0
      const subject = openSubject(kit, {
        platform: request => {
          if (token.is(request)) return token.answer(`bad-token-${++tokens}`)
          return kit.outbound.isSend(request) ? refused : kit.outbound.healthy(request)
        },
      })
      const outcome = await send(kit, subject)
      assert.equal(outcome.type, 'channel-down')
      assertSilent(kit, wordsOf(outcome))
      assert.ok(!/bad-token/.test(wordsOf(outcome)))
      assert.ok(tokens <= 3, `${tokens} tokens`)
      assert.ok(subject.requests.filter(kit.outbound.isSend).length <= 3)
    })
  }

  test('all who start at once share one token', async () => {
    const subject = openSubject(kit)
    const outcomes = await Promise.all(Array.from({ length: CROWD }, () => send(kit, subject)))
    for (const outcome of outcomes) assert.deepEqual(outcome, { type: 'sent' })
    assert.equal(subject.requests.filter(token.is).length, 1)
  })

  test('who is aborted while it waits for the token does not take it from the others', async () => {
    const subject = openSubject(kit)
    const abort = new AbortController()
    const first = send(kit, subject, kit.outbound.text, abort.signal)
    const second = send(kit, subject)
    abort.abort()
    await assert.rejects(first, error => isKefuError(error, 'KEFU_ABORTED'))
    assert.deepEqual(await second, { type: 'sent' })
    assert.equal(subject.requests.filter(token.is).length, 1)
  })

  const faults: Record<string, Answer> = {
    'does not answer': { fails: 'written' },
    'cannot be reached': { fails: 'unwritten' },
    'answers HTML': { body: PAGE },
    'answers 502': { status: 502, body: PAGE },
    'answers nothing': { body: {} },
  }
  for (const [name, answer] of Object.entries(faults))
    test(`no token because the platform ${name}: the message was certainly not sent`, async () => {
      const subject = openSubject(kit, {
        platform: request => (token.is(request) ? answer : kit.outbound.healthy(request)),
      })
      const outcome = await send(kit, subject)
      assert.equal(outcome.type, 'retry')
      assertSilent(kit, wordsOf(outcome))
      assert.equal(subject.requests.filter(kit.outbound.isSend).length, 0)
    })
}

function fileCases(kit: ChannelKit, test: Register): void {
  const { files } = kit.outbound
  if (isNone(files)) {
    test('fetches files', { skip: files.none }, () => {})
    return
  }
  for (const [name, { source, platform, limitBytes = 1_000_000, result }] of Object.entries(files))
    test(`a file: ${name}`, async () => {
      const { adapter } = openSubject(kit, platform === undefined ? {} : { platform })
      const fetching = adapter.fetchFile(source, limitBytes, new AbortController().signal)
      if ('code' in result)
        await assert.rejects(fetching, error => {
          assertSilent(kit, wordsOf(error))
          assert.ok(isKefuError(error, result.code), wordsOf(error))
          return true
        })
      else {
        const file = await fetching
        for (const [field, value] of Object.entries(result))
          assert.deepEqual({ [field]: file[field as keyof typeof file] }, { [field]: value })
      }
    })
}

function checkCases(kit: ChannelKit, test: Register): void {
  const none = new AbortController().signal

  test('a healthy channel passes its check', async () => {
    const { adapter } = openSubject(kit)
    const steps = await adapter.check(none)
    assert.ok(steps.length > 0)
    for (const step of steps) assert.equal(step.result, 'ok', wordsOf(step))
  })

  test('a check has samples of failures', () => assert.ok(Object.keys(kit.outbound.checks).length > 0))

  for (const [name, { platform, secrets = kit.secrets, failed }] of Object.entries(kit.outbound.checks))
    test(`a check says what to change: ${name}`, async () => {
      const { adapter } = openSubject(kit, { platform, secrets })
      const steps = await adapter.check(none)
      assertSilent(kit, wordsOf(steps))
      const failures = steps.filter(({ result }) => result === 'failed')
      const found = failures.find(({ step }) =>
        typeof failed.step === 'string' ? step === failed.step : failed.step.test(step),
      )
      assert.ok(found, wordsOf(steps))
      assert.match(found.nextStep ?? '', failed.nextStep)
      for (const { reason, nextStep } of failures) assert.ok(reason && nextStep, 'each failure says what to do')
    })

  test('without secrets a check names them', async () => {
    const { adapter } = openSubject(kit, { secrets: {} })
    const words = wordsOf(await adapter.check(none))
    for (const [name, { isRequired }] of Object.entries(kit.driver.table.credentials))
      if (isRequired) assert.ok(words.includes(name), name)
  })
}

/** The platform with other answers of its send API. */
function sendAnswers({ outbound }: ChannelKit, answer: PlatformScript): PlatformScript {
  return request => (outbound.isSend(request) ? answer(request) : outbound.healthy(request))
}

/** A platform whose tokens can be revoked: it takes the newest one only. */
function createTokenPlatform({ outbound }: ChannelKit, token: TokenKit, refused: Answer) {
  let tokens = 0
  let good = ''
  return {
    script: (request: PlatformRequest): Answer => {
      if (token.is(request)) {
        good = `good-token-${++tokens}`
        return token.answer(good)
      }
      return !outbound.isSend(request) || token.of(request) === good ? outbound.healthy(request) : refused
    },
    revoke: () => {
      good = ''
    },
    fetched: () => tokens,
  }
}

function send(
  { outbound }: ChannelKit,
  { adapter }: ChannelSubject,
  piece: OutboundPiece = outbound.text,
  abort: AbortSignal = new AbortController().signal,
): Promise<SendOutcome> {
  const to: Recipient = { contact: outbound.contact, n: 7, piece: 0, id: '01jgbz8c5h2n4f7k9m0p1q2r3s' }
  return adapter.send(to, piece, abort)
}

function withoutToken({ outbound: { token } }: ChannelKit, requests: readonly PlatformRequest[]) {
  return isNone(token) ? requests : requests.filter(request => !token.is(request))
}

function assertOutcome(kit: ChannelKit, outcome: SendOutcome, refusal: Refusal): void {
  assert.equal(outcome.type, refusal.outcome, wordsOf(outcome))
  assertSilent(kit, wordsOf(outcome))
  if (outcome.type === 'sent') return
  assert.ok(
    outcome.reason.length > 0 && outcome.reason.length <= 500,
    `a reason of ${outcome.reason.length} characters`,
  )
  if (refusal.reason !== undefined) assert.match(outcome.reason, refusal.reason)
  if (refusal.afterMs !== undefined) assert.equal('afterMs' in outcome ? outcome.afterMs : undefined, refusal.afterMs)
}

/** No secret and no token is in words that somebody may read. */
function assertSilent({ secrets }: ChannelKit, words: string): void {
  for (const [name, value] of Object.entries(secrets)) assert.ok(!words.includes(value), `${name} is in ${words}`)
  assert.ok(!/good-token|healthy-token/.test(words), words)
}
