import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { isKefuError } from '../../src/errors.js'
import { signWebhook } from '../../src/platform/standard-webhook.js'
import { webhookRefusal } from '../../src/platform/webhook-verification.js'
import { channelSuite } from '../conformance/channel.suite.js'
import { AT_MS, arrival, openSubject, type Signing, signing } from '../conformance/channel-kit.js'
import { readText } from '../helpers/project.js'
import { SECRETS, signed, WEBHOOK_KIT } from './webhook-kit.js'

const NOW = { nowMs: 1_767_600_000_000, toleranceMs: 300_000 }
const IN = SECRETS['inbound-secret']
const OUT = SECRETS['outbound-secret']

/** Computed with openssl, as the documentation shows it. */
const VECTORS = [
  {
    secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    id: 'msg-1',
    timestamp: 1_767_600_000,
    body: '{"id":"e-1001","type":"message","contact":{"id":"c-17","name":"王芳","language":"zh"},"at":1767600000000,"parts":[{"type":"text","text":"我的订单到哪了？"}]}',
    signature: 'v1,qqNPM/Gt+mVro33DY3CU5DGyj3CMyUXar/qvQA/L85I=',
  },
  {
    secret: 'whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=',
    id: 'm-2_0',
    timestamp: 1_767_600_005,
    body: '{"type":"message","id":"m-2_0","contact":{"id":"c-17"},"message":{"n":3,"piece":0},"part":{"type":"text","text":"今天送达。"}}',
    signature: 'v1,lT2u1dKiYqLUT+jVDCtfjzFEnsXJbeHVFbZcBPhx+fg=',
  },
]

function headersOf(values: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return name => values[name]
}

describe('signatures', () => {
  test('are those of openssl', () => {
    for (const { secret, id, timestamp, body, signature } of VECTORS) {
      const headers = signWebhook(id, timestamp, body, [secret])
      assert.equal(headers['webhook-signature'], signature)
      assert.equal(webhookRefusal(headersOf(headers), Buffer.from(body), [secret], NOW), undefined)
    }
  })

  test('of the documentation are these', () => {
    const document = readText('docs/channels/webhook.md')
    for (const { secret, id, timestamp, body, signature } of VECTORS)
      for (const value of [`\`${secret}\``, `\`${id}\``, `\`${timestamp}\``, `\`${signature}\``, `\n${body}\n`])
        assert.ok(document.includes(value), value)
  })

  test('are believed by a library of others, and theirs are here', () => {
    const nowMs = Date.now()
    const body = '{"text":"嗨 👋"}'
    const ours = signWebhook('m_1', Math.floor(nowMs / 1000), body, [OUT])
    assert.deepEqual(new Webhook(OUT).verify(body, { ...ours }), { text: '嗨 👋' })
    const theirs = {
      'webhook-id': 'm_2',
      'webhook-timestamp': String(Math.floor(nowMs / 1000)),
      'webhook-signature': new Webhook(IN).sign('m_2', new Date(nowMs), body),
    }
    assert.equal(webhookRefusal(headersOf(theirs), Buffer.from(body), [IN], { ...NOW, nowMs }), undefined)
  })

  test('are several while a secret is replaced: one that fits is enough', () => {
    const body = Buffer.from('{}')
    const both = signWebhook('m', 1_767_600_000, '{}', [IN, OUT])
    assert.equal(both['webhook-signature']?.split(' ').length, 2)
    for (const secrets of [[IN], [OUT], ['whsec_bad', OUT]])
      assert.equal(webhookRefusal(headersOf(both), body, secrets, NOW), undefined)
    assert.match(webhookRefusal(headersOf(both), body, [`whsec_${'A'.repeat(44)}`], NOW) ?? '', /no signature/)
    assert.match(webhookRefusal(headersOf(both), body, [], NOW) ?? '', /no signature/)
    const asymmetric = { ...both, 'webhook-signature': 'v1a,AAAA v2,BBBB' }
    assert.match(webhookRefusal(headersOf(asymmetric), body, [IN], NOW) ?? '', /no v1 signature/)
    const many = { ...both, 'webhook-signature': `${'v1,AAAA '.repeat(8)}${both['webhook-signature']}` }
    assert.notEqual(webhookRefusal(headersOf(many), body, [IN], NOW), undefined)
  })

  test('are over the bytes as they came, not over what these mean', () => {
    const body = Buffer.from('{"a":"\u{fffd}"}')
    const headers = headersOf(signWebhook('m', 1_767_600_000, body.toString(), [IN]))
    assert.equal(webhookRefusal(headers, body, [IN], NOW), undefined)
    const other = Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])
    assert.equal(other.toString(), body.toString())
    assert.notEqual(webhookRefusal(headers, other, [IN], NOW), undefined)
  })

  test('need an id, and a time in seconds', () => {
    const body = Buffer.from('{}')
    const good = signWebhook('m', 1_767_600_000, '{}', [IN])
    for (const id of ['', 'a.b', 'a b', 'é', 'x'.repeat(257)])
      assert.match(webhookRefusal(headersOf({ ...good, 'webhook-id': id }), body, [IN], NOW) ?? '', /webhook-id/)
    for (const timestamp of ['', '1767600000.5', '1e9', '-1', ' 1767600000', '0x1', '1767600000000'])
      assert.match(
        webhookRefusal(headersOf({ ...good, 'webhook-timestamp': timestamp }), body, [IN], NOW) ?? '',
        /webhook-timestamp/,
      )
  })
})

describe('the webhook channel', () => {
  test('signs with the new secret and the one before while that counts', async () => {
    const previous = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
    const subject = openSubject(WEBHOOK_KIT, { secrets: { ...SECRETS, 'outbound-secret': { value: OUT, previous } } })
    const to = { contact: 'c-17', n: 1, piece: 2, id: 'm' }
    await subject.adapter.send(to, WEBHOOK_KIT.outbound.text, new AbortController().signal)
    const { headers = {}, body } = subject.requests[0]!
    const at = new Date(AT_MS)
    const expected = [OUT, previous].map(secret => new Webhook(secret).sign('m', at, String(body)))
    assert.equal(headers['webhook-signature'], expected.join(' '))
  })

  test('sends the same again for every attempt', async () => {
    const subject = openSubject(WEBHOOK_KIT)
    const to = { contact: 'c-17', n: 1, piece: 0, id: 'm' }
    for (let attempt = 0; attempt < 2; attempt++)
      await subject.adapter.send(to, WEBHOOK_KIT.outbound.text, new AbortController().signal)
    const [first, second] = subject.requests
    assert.equal(first?.body, second?.body)
    assert.equal(first?.headers?.['webhook-id'], second?.headers?.['webhook-id'])
  })

  test('fetches files from public addresses, or from the hosts that are listed', async () => {
    const abort = new AbortController().signal
    const any = openSubject(WEBHOOK_KIT)
    await any.adapter.fetchFile('https://files.example/a', 100, abort)
    assert.equal(any.requests[0]?.isForeign, true)
    const listed = openSubject(WEBHOOK_KIT, { settings: { 'media-hosts': 'Files.Shop.example,10.0.0.7,::1' } })
    for (const url of ['https://files.shop.example/a', 'http://10.0.0.7:8080/a', 'http://[::1]/a'])
      await listed.adapter.fetchFile(url, 100, abort)
    assert.deepEqual(
      listed.requests.map(({ isForeign }) => isForeign),
      [undefined, undefined, undefined],
    )
    for (const url of ['https://other.example/a', 'https://files.shop.example.evil.example/a', 'http://10.0.0.8/a'])
      await assert.rejects(listed.adapter.fetchFile(url, 100, abort), error =>
        isKefuError(error, 'KEFU_PLATFORM_REFUSED'),
      )
    assert.equal(listed.requests.length, 3)
  })

  test('does not take an endpoint with a password in it', () => {
    assert.throws(
      () => openSubject(WEBHOOK_KIT, { settings: { endpoint: 'https://user:secret@shop.example/' } }),
      error => isKefuError(error, 'KEFU_USAGE') && !error.message.includes('secret@'),
    )
  })

  test('says which field is wrong, and repeats nothing of it', () => {
    const { adapter } = openSubject(WEBHOOK_KIT)
    const cases: Readonly<Record<string, [object, RegExp]>> = {
      type: [{ type: 'mesage-4711', id: 'a' }, /type/],
      part: [valid({ parts: [{ type: 'text', text: '' }] }), /parts\.0\.text must not be empty/],
      field: [valid({ 'secret-4711': 1 }), /has a field that is not in the protocol/],
      at: [valid({ at: '4711' }), /at must be a (whole )?number/],
      batch: [{ events: [valid({}), valid({ id: undefined })] }, /events\.1\.id is missing/],
    }
    for (const [name, [value, expected]] of Object.entries(cases)) {
      const wire = signed({ format: 'json', body: JSON.stringify(value) }, signing(WEBHOOK_KIT) as Signing)
      assert.throws(
        () => adapter.receive(arrival(wire)),
        error => {
          assert.ok(isKefuError(error, 'KEFU_CALLBACK_INVALID'), name)
          assert.match(error.message, expected)
          assert.doesNotMatch(error.message, /4711/)
          return true
        },
      )
    }
  })

  test("does not tell a receiver's reason that holds a secret", async () => {
    const body = { reason: `wrong: ${OUT}` }
    const subject = openSubject(WEBHOOK_KIT, { platform: () => ({ status: 400, body }) })
    const to = { contact: 'c-17', n: 1, piece: 0, id: 'm' }
    const outcome = await subject.adapter.send(to, WEBHOOK_KIT.outbound.text, new AbortController().signal)
    assert.deepEqual(outcome, { type: 'give-up', reason: 'the endpoint answers 400' })
  })
})

function valid(changes: object): object {
  const parts = [{ type: 'text', text: 'a' }]
  return { id: 'e', type: 'message', contact: { id: 'c' }, at: AT_MS, parts, ...changes }
}

channelSuite(WEBHOOK_KIT)
