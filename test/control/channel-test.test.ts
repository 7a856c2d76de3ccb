import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createLaneHandlers } from '../../src/daemon/control/lane-handlers.js'
import type { CheckStep, SendOutcome } from '../../src/daemon/core/channel-adapter.js'
import type { ChannelKind } from '../../src/daemon/core/model.js'
import type { Platforms } from '../../src/daemon/engine/platforms/platforms.js'
import { createChannels } from '../../src/daemon/engine/registry/channels.js'
import { createTokens } from '../../src/daemon/engine/session/tokens.js'
import { createPlatforms, type PlatformSources, tableOf, testSecrets } from '../../src/daemon/platforms.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { KefuError } from '../../src/errors.js'
import { createManualClock } from '../helpers/manual-clock.js'

const PLACEHOLDER = /\b(NAME|CHANNEL)\b/
const SETTINGS: Partial<Record<ChannelKind, Record<string, string>>> = {
  webhook: { endpoint: 'http://127.0.0.1:9/kefu' },
  'wechat-mp': { 'app-id': 'wx0123456789abcdef' },
  'wechat-mini': { 'app-id': 'wx0123456789abcdef' },
  'wecom-kf': { 'corp-id': 'ww0123456789abcdef' },
}

/** A channel `main` of a kind, with nothing sealed, behind the operations of the control socket. */
async function rig(t: TestContext, kind: ChannelKind, change: Partial<Platforms> = {}) {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const random = (length: number) => randomBytes(length)
  const { directory, outbox } = store
  const channels = await createChannels({ directory, clock, random, table: tableOf })
  await channels.add({ kind, name: 'main', settings: SETTINGS[kind] ?? {} })
  const closers: Parameters<typeof createPlatforms>[1] = []
  const sources = {
    ...{ store, clock, random, channels, media: {}, tokens: createTokens({ secret: random(32), clock, random }) },
    vault: { secrets: () => new Map(), onChange: () => () => undefined },
    delivered: () => undefined,
    report: (error: unknown) => assert.fail(String(error)),
  } as unknown as PlatformSources
  const platforms = createPlatforms(sources, closers)
  await platforms.start()
  t.after(async () => {
    for (const { close } of closers.reverse()) {
      const closing = close()
      clock.advance(5_000)
      await closing
    }
  })
  const ports = {
    lane: platforms.lane.bind(platforms),
    check: platforms.check.bind(platforms),
    sendTest: platforms.sendTest.bind(platforms),
    ...change,
  }
  const handlers = createLaneHandlers({ channels, platforms: ports, outbox, log: { info: () => undefined } })
  const check = async (sendTo?: string) => {
    const request = { name: 'main', ...(sendTo !== undefined && { sendTo }) }
    return handlers['channel.test'](request, new AbortController().signal)
  }
  return { check, platforms }
}

for (const kind of Object.keys(SETTINGS) as ChannelKind[])
  test(`${kind}: what is missing is said once, with the command that sets it`, async t => {
    const { check } = await rig(t, kind)
    const { ok, steps } = await check()
    assert.equal(ok, false)
    const texts = steps.map(({ reason = '', nextStep = '' }) => `${reason} ${nextStep}`)
    assert.doesNotMatch(texts.join('\n'), PLACEHOLDER)
    for (const [name, { isRequired }] of Object.entries(tableOf(kind)!.credentials)) {
      const command = new RegExp(`kefu credential set main ${name}(?![\\w-])`)
      assert.equal(texts.filter(text => command.test(text)).length, isRequired ? 1 : 0, `${name}: ${texts.join('\n')}`)
    }
  })

test('what no step of the check says to set is a step of its own', async t => {
  const { check } = await rig(t, 'wechat-mp', { check: async () => [{ step: 'signature', result: 'skipped' }] })
  const { steps } = await check()
  assert.deepEqual(
    steps.filter(({ result }) => result === 'failed').map(({ step }) => step),
    ['credential token', 'credential encoding-aes-key', 'credential app-secret'],
  )
})

test('what became of a message is a sentence, with something to do', async t => {
  const outcomes: readonly (readonly [SendOutcome, RegExp])[] = [
    [{ type: 'retry', reason: 'busy' }, /^it was not sent: busy$/],
    [{ type: 'throttled', reason: 'busy', afterMs: 1 }, /^the platform takes no more for a while: busy$/],
    [{ type: 'window-closed', reason: '45015' }, /until the contact has written: 45015$/],
    [{ type: 'give-up', reason: '40003' }, /^the platform will never take this: 40003$/],
    [
      { type: 'channel-down', reason: 'kefu channel set NAME --set app-id=wx…' },
      /^nothing can be sent on this channel: kefu channel set main --set app-id=wx…$/,
    ],
    [{ type: 'unknown', reason: 'no answer' }, /^it may have been sent or not: no answer$/],
  ]
  for (const [outcome, words] of outcomes) {
    const { check } = await rig(t, 'webhook', { check: async () => [], sendTest: async () => outcome })
    const send = (await check('c-17')).steps.find(({ step }) => step === 'send')
    assert.equal(send?.result, 'failed')
    assert.match(send.reason ?? '', words)
    assert.notEqual(send.nextStep ?? '', '')
  }
  const { check } = await rig(t, 'webhook')
  const thrown = (await check('c-17')).steps.find(({ step }) => step === 'send')
  assert.doesNotMatch(`${thrown?.reason} ${thrown?.nextStep}`, PLACEHOLDER)
})

test('a check that takes too long is a step that failed', async t => {
  const { platforms } = await rig(t, 'webhook')
  const timedOut = AbortSignal.abort(new DOMException('late', 'TimeoutError'))
  const secret = { value: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' }
  const secrets = new Map([
    ['inbound-secret', secret],
    ['outbound-secret', secret],
  ])
  const number = 1
  await assert.rejects(platforms.check(number, timedOut, secrets), { code: 'KEFU_PLATFORM_UNAVAILABLE' })
  await assert.rejects(platforms.check(number, AbortSignal.abort(), secrets), { code: 'KEFU_ABORTED' })
})

test('a rotation that is refused says that nothing has changed, and not who says no', async () => {
  const lane = (() => ({})) as unknown as Platforms['lane']
  const failed: CheckStep = { step: 'outbound-secret', result: 'failed', reason: 'too short', nextStep: 'set it anew' }
  const refusal = { code: 'KEFU_CREDENTIAL_REFUSED', exit: 12 }
  await assert.rejects(testSecrets({ lane, check: async () => [failed] }, 'channel/1', new Map()), {
    ...refusal,
    message: 'nothing has changed: the new value did not pass its test (outbound-secret: too short)',
    hint: 'correct what the test names: set it anew',
  })
  const wrong = { ...failed, nextStep: 'copy it again: kefu credential set main app-secret' }
  const lacking = { ...failed, nextStep: 'kefu credential set main token' }
  const secrets = new Map([['app-secret', { value: 'x' }]])
  await assert.rejects(testSecrets({ lane, check: async () => [wrong] }, 'channel/1', secrets), {
    ...{ ...refusal, hint: 'correct what the test names: copy it again: kefu credential rotate main app-secret' },
  })
  await assert.rejects(testSecrets({ lane, check: async () => [lacking] }, 'channel/1', secrets), {
    ...{ ...refusal, hint: `correct what the test names: ${lacking.nextStep}` },
  })
  const check = () => Promise.reject(new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'no route' }))
  await assert.rejects(testSecrets({ lane, check }, 'channel/1', new Map()), { ...refusal, message: /no route/ })
  const isBroken = () => Promise.reject(new TypeError('oops'))
  await assert.rejects(testSecrets({ lane, check: isBroken }, 'channel/1', new Map()), { code: 'KEFU_INTERNAL' })
})
