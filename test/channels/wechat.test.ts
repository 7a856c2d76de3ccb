import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as wecom from '@wecom/crypto'
import { CHANNEL_TABLES } from '../../src/daemon/channels/tables.js'
import { ERRCODES, MINI_ERRCODES, TOKEN_ERRCODES } from '../../src/daemon/channels/wechat/errcodes.js'
import { WECHAT_MINI_DRIVER } from '../../src/daemon/channels/wechat-mini/adapter.js'
import { WECHAT_MP_DRIVER } from '../../src/daemon/channels/wechat-mp/adapter.js'
import { GREY_JPEG } from '../../src/daemon/channels/wechat-mp/preview.js'
import type { Callback, SettingValues } from '../../src/daemon/core/channel-adapter.js'
import { capabilitiesOf } from '../../src/daemon/core/channel-capabilities.js'
import { isKefuError } from '../../src/errors.js'
import { type Answer, AT_MS, arrival, type PlatformScript, scriptedHttp } from '../conformance/channel-kit.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { readText } from '../helpers/project.js'
import { Random } from '../helpers/random.js'
import { WECHAT_VECTORS } from '../helpers/wechat-vectors.js'
import {
  APP_ID,
  errcode,
  fieldsOf,
  filePiece,
  head,
  healthy,
  isSend,
  OPEN_ID,
  ok,
  pathOf,
  SECRETS,
  wechatCallback,
  wechatHandshake,
  xml,
} from './wechat-kit.js'

const none = new AbortController().signal
const TEXT = xml({ ...head('text'), Content: 'x' }, '1')
const TO = { contact: OPEN_ID, n: 1, piece: 0, id: 'm-1' }
const CHOICES = {
  type: 'choices',
  text: '满意吗?',
  choices: [
    { id: 'a', label: '是' },
    { id: 'b', label: '否' },
  ],
} as const

const DRIVERS = { mp: WECHAT_MP_DRIVER, mini: WECHAT_MINI_DRIVER }

function open(
  kind: keyof typeof DRIVERS,
  settings: SettingValues = {},
  {
    platform = healthy,
    secrets = SECRETS,
    nowMs = AT_MS,
  }: {
    readonly platform?: PlatformScript
    readonly secrets?: Readonly<Record<string, string>>
    readonly nowMs?: number
  } = {},
) {
  const { http, requests } = scriptedHttp(platform)
  const adapter = DRIVERS[kind].open(
    { http, clock: createManualClock(nowMs), random: length => new Uint8Array(length) },
    {
      settings: { 'app-id': APP_ID, ...settings },
      secrets: new Map(Object.entries(secrets).map(([name, value]) => [name, { value }])),
    },
  )
  return { adapter, requests }
}

const signed = (mode: string, payload = TEXT, secrets: Readonly<Record<string, string>> = SECRETS) =>
  wechatCallback(payload, { secrets, settings: { 'app-id': APP_ID, mode }, atMs: AT_MS, random: new Random(3) })

const isRefused = (error: unknown) => isKefuError(error, 'KEFU_CALLBACK_REFUSED')

describe('callbacks of 微信 by mode', () => {
  it('plain: the signature of token, timestamp and nonce, without a key', () => {
    const { token } = SECRETS
    const { adapter } = open('mp', { mode: 'plain' }, { secrets: { token } })
    assert.equal(adapter.receive(arrival(signed('plain'))).events.length, 1)
    const other = signed('plain', TEXT, { ...SECRETS, token: 'another' })
    assert.throws(() => adapter.receive(arrival(other)), isRefused)
    const late: Callback = arrival(signed('plain'), AT_MS + 301_000)
    assert.throws(() => adapter.receive(late), isRefused)
    assert.throws(
      () => adapter.receive(arrival(signed('safe'))),
      error => isKefuError(error, 'KEFU_CALLBACK_INVALID') && /mode/.test(error.message),
    )
  })

  it('safe: what is not encrypted is refused, even when it is signed', () => {
    const { adapter } = open('mp')
    assert.throws(
      () => adapter.receive(arrival(signed('plain'))),
      error => isRefused(error) && /mode/.test(String(error)),
    )
    const wire = signed('safe')
    const { msg_signature: _, ...query } = wire.query
    assert.throws(() => adapter.receive(arrival({ ...wire, query })), isRefused)
  })

  it('compat: only what is encrypted counts', () => {
    const { adapter } = open('mp', { mode: 'compat' })
    const wire = signed('compat')
    const forged = Buffer.from(Buffer.from(wire.body).toString().replaceAll('oUser1', 'oForged'))
    assert.ok(!forged.equals(wire.body))
    const [event] = adapter.receive(arrival({ ...wire, body: forged })).events
    assert.equal(event?.contact, OPEN_ID)
    assert.throws(() => adapter.receive(arrival(signed('plain'))), isRefused)
  })

  it('for another account than original-id says they are refused', () => {
    const { adapter } = open('mp', { 'original-id': 'gh_somebody' })
    assert.throws(
      () => adapter.receive(arrival(signed('safe'))),
      error => isRefused(error) && /original-id/.test(String(error)),
    )
  })

  it('a handshake says the echo, and nothing that is none', () => {
    const { adapter } = open('mini')
    const wire = wechatHandshake({ secrets: SECRETS, settings: {}, atMs: AT_MS, random: new Random(1) })
    for (const echostr of ['', ' ', '<script>\n', 'x'.repeat(257)])
      assert.throws(
        () => adapter.receive(arrival({ ...wire, query: { ...wire.query, echostr } })),
        error => isKefuError(error, 'KEFU_CALLBACK_INVALID'),
      )
  })

  it('the published vectors of both kinds are read', () => {
    const vectors = [
      ['mp', WECHAT_VECTORS['official account, UTF-8'], 'xml'],
      ['mini', WECHAT_VECTORS['official account, UTF-8'], 'xml'],
      ['mini', WECHAT_VECTORS['mini program, received'], 'json'],
    ] as const
    for (const [kind, { token, encodingAesKey, receiver, timestamp, nonce, encrypted, signature }, format] of vectors) {
      const atMs = Number(timestamp) * 1000
      const secrets = { token, 'encoding-aes-key': encodingAesKey }
      const { adapter } = open(kind, { 'app-id': receiver }, { secrets, nowMs: atMs })
      const body =
        format === 'xml' ? `<xml><Encrypt>${encrypted}</Encrypt></xml>` : JSON.stringify({ Encrypt: encrypted })
      const query = { timestamp, nonce, msg_signature: signature, encrypt_type: 'aes' }
      const wire = { method: 'POST', query, headers: {}, body: Buffer.from(body) } as const
      const { events } = adapter.receive(arrival(wire, atMs))
      if (format === 'json') assert.deepEqual(events, [])
      else assert.equal(events[0]?.key, `${kind}:wx0123456789abcdef:24300000000000001`)
    }
  })
})

describe('callbacks that another library has made', () => {
  for (const kind of ['mp', 'mini'] as const)
    it(`are read by wechat-${kind}`, () => {
      const { adapter } = open(kind)
      const { token, 'encoding-aes-key': key } = SECRETS
      for (const content of ['你好', 'x'.repeat(2_000), '👋'.repeat(33), ' ']) {
        const [timestamp, nonce] = [AT_MS / 1000, 123456]
        const encrypted = wecom.encrypt(key, String(xml({ ...head('text'), Content: content }, '5').body), APP_ID)
        const msg_signature = wecom.getSignature(token, timestamp, nonce, encrypted)
        const query = { msg_signature, timestamp: String(timestamp), nonce: String(nonce) }
        const body = Buffer.from(`<xml><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`)
        const [event] = adapter.receive(arrival({ method: 'POST', query, headers: {}, body })).events
        assert.deepEqual(event?.type === 'message' && event.parts, [{ type: 'text', text: content }])
        const elsewhere = wecom.encrypt(key, '<xml></xml>', 'wxfedcba9876543210')
        const forged = { ...query, msg_signature: wecom.getSignature(token, timestamp, nonce, elsewhere) }
        const other = Buffer.from(`<xml><Encrypt>${elsewhere}</Encrypt></xml>`)
        assert.throws(
          () => adapter.receive(arrival({ method: 'POST', query: forged, headers: {}, body: other })),
          isRefused,
        )
      }
    })
})

describe('sending to 微信', () => {
  const answers =
    (of: (body: Record<string, unknown>, nth: number) => Answer): PlatformScript =>
    request => {
      if (!isSend(request)) return healthy(request)
      return of(fieldsOf(request), sent++)
    }
  let sent = 0
  const start = () => {
    sent = 0
  }

  it('what the account may not send goes as text', async () => {
    start()
    for (const code of [40008, 40200, 48008]) {
      const platform = answers(({ msgtype }) => (msgtype === 'text' ? ok : errcode(code)))
      const { adapter, requests } = open('mp', {}, { platform })
      assert.deepEqual(await adapter.send(TO, { part: CHOICES }, none), { type: 'sent' })
      assert.deepEqual(fieldsOf(requests.at(-1)!).text, { content: '满意吗?\n1. 是\n2. 否' })
      const card = { type: 'card', title: 'A', url: 'https://example.com/' } as const
      assert.deepEqual(await adapter.send(TO, { part: card }, none), { type: 'sent' })
      assert.deepEqual(fieldsOf(requests.at(-1)!).text, { content: 'A\nhttps://example.com/' })
      const { adapter: mini } = open('mini', {}, { platform })
      assert.deepEqual(await mini.send(TO, { part: card }, none), { type: 'sent' })
      assert.equal((await adapter.send(TO, filePiece('image', 'image/png'), none)).type, 'give-up')
    }
  })

  it('a file that the platform has forgotten is stored again, once', async () => {
    start()
    const { adapter, requests } = open('mp', {}, { platform: answers((_, nth) => (nth === 0 ? errcode(40007) : ok)) })
    assert.deepEqual(await adapter.send(TO, filePiece('image', 'image/png'), none), { type: 'sent' })
    assert.equal(requests.filter(request => pathOf(request) === '/cgi-bin/media/upload').length, 2)
    const never = open('mp', {}, { platform: answers(() => errcode(40007)) })
    assert.equal((await never.adapter.send(TO, filePiece('image', 'image/png'), none)).type, 'give-up')
    assert.equal(never.requests.filter(isSend).length, 2)
  })

  it('a file that could not be stored was certainly not sent', async () => {
    const faults: readonly Answer[] = [
      ...([
        { fails: 'written' },
        { fails: 'too-large' },
        { status: 502, body: '' },
        { body: '<html>' },
        { body: {} },
      ] as const),
      errcode(-1),
    ]
    for (const fault of faults) {
      const platform: PlatformScript = request => (pathOf(request).endsWith('/upload') ? fault : healthy(request))
      const { adapter, requests } = open('mp', {}, { platform })
      const outcome = await adapter.send(TO, filePiece('audio', 'audio/amr'), none)
      assert.equal(outcome.type, 'retry', JSON.stringify(outcome))
      assert.equal(requests.filter(isSend).length, 0)
    }
    for (const code of [40005, 40009, 45001]) {
      const platform: PlatformScript = request =>
        pathOf(request).endsWith('/upload') ? errcode(code) : healthy(request)
      const { adapter } = open('mp', {}, { platform })
      assert.equal((await adapter.send(TO, filePiece('video', 'video/mp4'), none)).type, 'give-up')
    }
  })

  it('what the platform has no message for is given up', async () => {
    const location = { type: 'location', latitude: 1, longitude: 1 } as const
    for (const kind of ['mp', 'mini'] as const) {
      const { adapter, requests } = open(kind)
      assert.equal((await adapter.send(TO, { part: location }, none)).type, 'give-up')
      const media = { type: 'image', media: 'md_1' } as const
      assert.equal((await adapter.send(TO, { part: media }, none)).type, 'give-up')
      assert.equal(requests.length, 0)
    }
  })

  it('names of files cannot break the form', async () => {
    const { adapter, requests } = open('mp')
    const piece = filePiece('image', 'image/png\r\nx: y', 'a"\r\n\r\nevil/../../照片.png')
    assert.deepEqual(await adapter.send(TO, piece, none), { type: 'sent' })
    const upload = requests.find(request => pathOf(request).endsWith('/upload'))!
    const lines = Buffer.from(upload.body as Uint8Array)
      .toString('latin1')
      .split('\r\n')
    assert.match(lines[1]!, /^content-disposition: form-data; name="media"; filename="[\w.-]+"$/)
    assert.equal(lines[2], 'content-type: application/octet-stream')
    assert.equal(lines[3], '')
  })

  it('the business API of 小程序 has its own path and field', async () => {
    const { adapter, requests } = open('mini', { 'send-api': 'business', 'business-id': 3 })
    await adapter.send(TO, { part: { type: 'text', text: 'x' } }, none)
    await adapter.typing?.(OPEN_ID, true, none)
    const [, send, typing] = requests
    assert.equal(pathOf(send!), '/cgi-bin/message/custom/business/send')
    assert.equal(pathOf(typing!), '/cgi-bin/message/custom/business/typing')
    for (const request of [send!, typing!]) assert.equal(fieldsOf(request).businessid, 3)
  })

  it('a second chance of 小程序 is for one piece, and only once', async () => {
    const { adapter } = open('mini', {}, { platform: answers(() => errcode(45047)) })
    const text = { part: { type: 'text', text: 'x' } } as const
    const types = []
    for (const piece of [0, 1, 0, 1, 0])
      types.push((await adapter.send({ ...TO, piece, id: `${TO.id}-${piece}` }, text, none)).type)
    assert.deepEqual(types, ['retry', 'retry', 'window-closed', 'window-closed', 'retry'])
  })

  it('typing is told and ended, and its failure is nobody’s business', async () => {
    const { adapter, requests } = open('mp')
    await adapter.typing?.(OPEN_ID, true, none)
    await adapter.typing?.(OPEN_ID, false, none)
    assert.deepEqual(
      requests.slice(1).map(request => fieldsOf(request)),
      [
        { touser: OPEN_ID, command: 'Typing' },
        { touser: OPEN_ID, command: 'CancelTyping' },
      ],
    )
    for (const answer of [errcode(45080), { fails: 'written' }, { status: 500, body: '' }] as const)
      await open('mp', {}, { platform: () => answer }).adapter.typing?.(OPEN_ID, true, none)
  })

  it('the address that the platform saw is told, and nothing else of its words', async () => {
    const words = 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist, secret 0123456789'
    const { adapter } = open('mp', {}, { platform: () => errcode(40164, words) })
    const outcome = await adapter.send(TO, { part: { type: 'text', text: 'x' } }, none)
    assert.equal(outcome.type, 'channel-down')
    assert.match(JSON.stringify(outcome), /address 203\.0\.113\.9, rid 5f3ded7d/)
    assert.doesNotMatch(JSON.stringify(outcome), /secret|whitelist/)
  })

  it('a base-url with a path and a slash is kept', async () => {
    const { adapter, requests } = open('mp', { 'base-url': 'http://127.0.0.1:1234/weixin/' })
    await adapter.send(TO, { part: { type: 'text', text: 'x' } }, none)
    assert.equal(requests[0]!.url, 'http://127.0.0.1:1234/weixin/cgi-bin/stable_token')
  })

  it('the preview of a video is a whole JPEG', () => {
    const hex = Buffer.from(GREY_JPEG).toString('hex')
    assert.ok(hex.startsWith('ffd8ffe0') && hex.endsWith('ffd9'))
    let at = 2
    const markers: number[] = []
    while (GREY_JPEG[at] === 0xff && GREY_JPEG[at + 1] !== 0xd9) {
      markers.push(GREY_JPEG[at + 1]!)
      if (GREY_JPEG[at + 1] === 0xda) break
      at += 2 + Buffer.from(GREY_JPEG).readUInt16BE(at + 2)
    }
    assert.deepEqual(markers, [0xe0, 0xdb, 0xc0, 0xc4, 0xc4, 0xda])
  })
})

describe('documents of the channels of 微信', () => {
  const documents = {
    mp: { table: CHANNEL_TABLES['wechat-mp'], rows: { ...ERRCODES, ...TOKEN_ERRCODES } },
    mini: { table: CHANNEL_TABLES['wechat-mini'], rows: MINI_ERRCODES },
  }
  for (const [kind, { table, rows }] of Object.entries(documents)) {
    const text = readText(`docs/channels/wechat-${kind}.md`)

    it(`name every setting of wechat-${kind} with its default, and every secret`, () => {
      for (const [name, row] of Object.entries(table.settings)) {
        const line = text
          .split('\n')
          .find(candidate => candidate.startsWith('| `') && candidate.includes(`\`${name}\``))
        assert.ok(line, name)
        if ('default' in row) assert.ok(line.includes(String(row.default)), `${name}: ${row.default}`)
      }
      for (const name of Object.keys(table.credentials))
        assert.ok(text.includes(`kefu credential set`) && text.includes(name))
    })

    it(`name every errcode of wechat-${kind}`, () => {
      const listed = [...text.matchAll(/^\| ((?:-?\d+(?:, )?)+) \|/gm)].flatMap(([, codes]) =>
        codes!.split(', ').map(Number),
      )
      assert.equal(new Set(listed).size, listed.length, 'each once')
      const known = Object.keys(rows).map(Number)
      assert.deepEqual(
        known.filter(code => !listed.includes(code)),
        [],
      )
    })
  }
})

describe('tables of channels', () => {
  it('have a default for every number, and grants that settings change', () => {
    for (const [kind, table] of Object.entries(CHANNEL_TABLES)) {
      assert.equal(table.kind, kind)
      assert.deepEqual(capabilitiesOf(table, {}), table.capabilities)
    }
    const changed = capabilitiesOf(CHANNEL_TABLES['wechat-mp'], {
      'message-quota': 20,
      'scan-window-seconds': 90,
      'text-limit': 600,
    })
    assert.deepEqual(changed.grants.message, { messages: 20, windowMs: 48 * 3_600_000 })
    assert.deepEqual(changed.grants.scan, { messages: 3, windowMs: 90_000 })
    assert.deepEqual(changed.text, { unit: 'bytes', max: 600 })
  })

  it('do not open without an account or with an address that is none', () => {
    for (const settings of [{ 'app-id': '' }, { 'base-url': 'api' }])
      assert.throws(
        () => open('mp', settings),
        error => isKefuError(error, 'KEFU_USAGE'),
      )
  })
})
