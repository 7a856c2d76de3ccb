import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { endpointUrl } from '../../../src/daemon/core/endpoint.js'
import { HOOK_LIMITS } from '../../../src/daemon/core/hook.js'
import { createHooks } from '../../../src/daemon/engine/registry/hooks.js'
import { readAnswer } from '../../../src/daemon/hooks/bots/answer.js'
import { outcomeOf } from '../../../src/daemon/hooks/delivery.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { type ErrorCode, isKefuError } from '../../../src/errors.js'
import { isWebhookSecret, newWebhookSecret, signWebhook } from '../../../src/platform/standard-webhook.js'
import { unicode } from '../../helpers/arbitraries.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const fails = (code: ErrorCode) => (error: unknown) => isKefuError(error, code)
const bytesOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('calls to programs of others', () => {
  test('are signed as others verify it, with each of the secrets', () => {
    fc.assert(
      fc.property(unicode(0, 200), fc.stringMatching(/^[a-zA-Z0-9_:-]{1,60}$/), (text, id) => {
        const secrets = [newWebhookSecret(randomBytes), newWebhookSecret(randomBytes)]
        const body = JSON.stringify({ text })
        const headers = signWebhook(id, Math.floor(Date.now() / 1_000), body, secrets)
        for (const secret of secrets) assert.deepEqual(new Webhook(secret).verify(body, headers), { text })
        const other = new Webhook(newWebhookSecret(randomBytes))
        assert.throws(() => other.verify(body, headers))
        const stale = signWebhook(id, Math.floor(Date.now() / 1_000) - 3_600, body, secrets)
        assert.throws(() => new Webhook(secrets[0]!).verify(body, stale))
      }),
      { numRuns: 100 },
    )
  })

  test('need a secret of 24 to 64 bytes', () => {
    const of = (length: number) => `whsec_${randomBytes(length).toString('base64')}`
    for (const length of [24, 32, 64]) assert.equal(isWebhookSecret(of(length)), true)
    for (const text of ['', 'whsec_', of(23), of(65), of(32).slice(6), `${of(32)} `, `whsec_${'*'.repeat(44)}`])
      assert.equal(isWebhookSecret(text), false, text)
  })

  test('go to the web, without a password', () => {
    assert.equal(endpointUrl('https://Crm.example:443/in?x=1#top'), 'https://crm.example/in?x=1')
    for (const url of [
      '',
      'crm',
      'ftp://crm.example',
      'javascript:1',
      'https://u:p@crm.example',
      'https://u@crm.example',
    ])
      assert.throws(() => endpointUrl(url), fails('KEFU_USAGE'))
    assert.throws(() => endpointUrl(`https://crm.example/${'a'.repeat(2_048)}`), fails('KEFU_USAGE'))
  })

  test('mean by their status what the endpoint, the record or the moment is like', () => {
    const answered = (status: number) => outcomeOf({ type: 'answered', status, bytes: new Uint8Array() }).type
    for (const status of [200, 204, 299]) assert.equal(answered(status), 'delivered')
    for (const status of [301, 401, 403, 404, 408, 429, 500, 503]) assert.equal(answered(status), 'failing')
    for (const status of [400, 409, 413, 422]) assert.equal(answered(status), 'refused')
    assert.equal(answered(410), 'gone')
    assert.equal(outcomeOf({ type: 'failed', reason: 'x' }).type, 'failing')
  })
})

test('hooks are bounded in number and in what they name', async () => {
  const clock = createManualClock()
  const { directory, log } = createMemoryStore({ clock })
  const hooks = await createHooks({ directory, log, clock, random: randomBytes })
  const url = 'https://crm.example/in'
  const nothing = async () => undefined
  await assert.rejects(hooks.add('a b', { url }, nothing), fails('KEFU_USAGE'))
  await assert.rejects(hooks.add('a', { url, events: [] }, nothing), fails('KEFU_USAGE'))
  await assert.rejects(hooks.add('a', { url, channels: [] }, nothing), fails('KEFU_USAGE'))
  const refusal = new Error('no secret')
  await assert.rejects(
    hooks.add('a', { url }, () => Promise.reject(refusal)),
    error => error === refusal,
  )
  assert.equal(hooks.list().length, 0, 'one without a secret is not there')
  assert.equal((await hooks.add('a', { url }, nothing)).changed, true)
  assert.equal((await hooks.add('a', { url: `${url}#top` }, nothing)).changed, false)
  await assert.rejects(hooks.add('a', { url, events: ['message'] }, nothing), fails('KEFU_HOOK_EXISTS'))
  await assert.rejects(hooks.set('b', {}), fails('KEFU_HOOK_NOT_FOUND'))
  const { hook } = await hooks.set('a', { events: ['closed', 'message', 'closed'], channels: [3, 1, 3] })
  assert.deepEqual(
    [hook.events, hook.channels],
    [
      ['message', 'closed'],
      [1, 3],
    ],
  )
  for (let i = 1; i < HOOK_LIMITS.hooks; i++) await hooks.add(`a${i}`, { url }, nothing)
  await assert.rejects(hooks.add('z', { url }, nothing), fails('KEFU_HOOKS_USED'))
})

test("a bot's answer is what the documentation says, or a few words on what is wrong", () => {
  const said = { messages: [{ parts: [{ type: 'text', text: 'a' }] }] }
  assert.deepEqual(readAnswer(new Uint8Array()), { messages: [], commands: [] })
  assert.deepEqual(readAnswer(bytesOf({})), { messages: [], commands: [] })
  assert.deepEqual(readAnswer(bytesOf(said)), { messages: [said.messages[0]!.parts], commands: [] })
  const commandsOf = (answer: object) => {
    const read = readAnswer(bytesOf(answer))
    return 'commands' in read ? read.commands : assert.fail(read.problem)
  }
  assert.deepEqual(commandsOf({ close: true }), [{ do: 'close' }])
  assert.deepEqual(commandsOf({ handOver: true }), [{ do: 'requeue' }])
  assert.deepEqual(commandsOf({ handOver: {} }), [{ do: 'requeue' }])
  assert.deepEqual(commandsOf({ handOver: { note: 'x' } }), [{ do: 'note', text: 'x' }, { do: 'requeue' }])
  assert.deepEqual(commandsOf({ handOver: { team: 't', note: 'x' } }), [{ do: 'transfer', team: 't', note: 'x' }])
  const wrong: readonly unknown[] = [
    'null',
    '[]',
    '{"messages":',
    '\ufffd',
    { handover: true },
    { handOver: false },
    { handOver: true, close: true },
    { messages: [{ parts: [] }] },
    { messages: [{ parts: [{ type: 'image', media: 'md_1' }] }] },
    { messages: new Array(11).fill(said.messages[0]) },
    { messages: [{ parts: new Array(17).fill({ type: 'text', text: 'a' }) }] },
    { messages: [{ parts: [{ type: 'card', title: 'a', url: 'javascript:1' }] }] },
  ]
  for (const answer of wrong) {
    const read = readAnswer(bytesOf(answer))
    assert.ok('problem' in read && read.problem.length < 200, JSON.stringify(answer))
  }
  assert.ok('problem' in readAnswer(Uint8Array.of(0x22, 0xff, 0x22)))
})
