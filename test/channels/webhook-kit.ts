import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { WEBHOOK_DRIVER } from '../../src/daemon/channels/webhook/adapter.js'
import type { OutboundPiece, PlatformRequest } from '../../src/daemon/core/channel-adapter.js'
import {
  AT_MS,
  type ChannelKit,
  type OutboundSample,
  type Payload,
  type Signing,
  type WireCallback,
} from '../conformance/channel-kit.js'
import { CARD, FILE_URL, inbound, PAID, PLACE, TEXT } from './webhook-inbound.js'

/** Secrets of the documentation: 0, 1, 2 … and 255, 254, 253 … */
export const SECRETS = {
  'inbound-secret': `whsec_${Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64')}`,
  'outbound-secret': `whsec_${Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at)).toString('base64')}`,
}

const OTHER_SECRETS = {
  'inbound-secret': `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  'outbound-secret': `whsec_${Buffer.alloc(32, 8).toString('base64')}`,
}

/** Signs as the format says, with nothing of the adapter. */
export function signed(
  payload: Payload,
  { secrets, atMs, random }: Pick<Signing, 'secrets' | 'atMs' | 'random'>,
): WireCallback {
  const body = Buffer.from(payload.body)
  const id = `msg-${random.integer(0, 1_000_000_000)}`
  const timestamp = String(Math.floor(atMs / 1000))
  const key = Buffer.from(secrets['inbound-secret']!.slice('whsec_'.length), 'base64')
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` }
  return { method: 'POST', query: {}, headers, body }
}

const BYTES = Uint8Array.from([0x89, 0x50, 0x4e, 0x47])
const DATA = Buffer.from(BYTES).toString('base64')

function piece(part: OutboundPiece['part'], file?: OutboundPiece['file']): OutboundPiece {
  return file === undefined ? { part } : { part, file }
}

/** That one request carries the part, signed so that a library of others would believe it. */
function carries(part: object): OutboundSample['check'] {
  return requests => {
    assert.equal(requests.length, 1)
    const { method, url, headers = {}, body, isForeign } = requests[0]!
    assert.deepEqual([method, url, isForeign], ['POST', 'https://shop.example/kefu?key=1', undefined])
    assert.equal(headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(String(body)), {
      type: 'message',
      id: '01jgbz8c5h2n4f7k9m0p1q2r3s',
      contact: { id: 'c-17' },
      message: { n: 7, piece: 0 },
      part,
    })
    assert.equal(headers['webhook-id'], '01jgbz8c5h2n4f7k9m0p1q2r3s')
    assert.equal(headers['webhook-timestamp'], String(AT_MS / 1000))
    const expected = new Webhook(SECRETS['outbound-secret']).sign(headers['webhook-id'], new Date(AT_MS), String(body))
    assert.equal(headers['webhook-signature'], expected)
  }
}

function carried(part: OutboundPiece['part'], file?: OutboundPiece['file'], as: object = part): OutboundSample {
  return { piece: piece(part, file), check: carries(as) }
}

function sendsFile(type: 'image' | 'audio' | 'video' | 'file', contentType: string): OutboundSample {
  const as = { type, name: 'a.bin', contentType, size: 4, data: DATA }
  return carried({ type, media: 'md_1', name: 'a.bin' }, { bytes: BYTES, type: contentType, name: 'a.bin' }, as)
}

const CHOICES = { type: 'choices', text: 'Which?', choices: [{ id: 'a', label: 'A' }] } as const

/** The other system's words: a status, and JSON. */
function answer(status: number, body: object | string = '', headers: Readonly<Record<string, string>> = {}) {
  return { status, body, headers }
}

/** The other system in good health: it takes messages and pings, and serves files. */
function healthy({ method }: PlatformRequest) {
  return method === 'POST' ? answer(204) : { body: BYTES, headers: { 'content-type': 'image/png' } }
}

function isMessage({ method, body }: PlatformRequest): boolean {
  return method === 'POST' && String(body).startsWith('{"type":"message"')
}

/** What the suite has to know of the webhook channel. */
export const WEBHOOK_KIT: ChannelKit = {
  driver: WEBHOOK_DRIVER,
  settings: { endpoint: 'https://shop.example/kefu?key=1' },
  secrets: SECRETS,
  otherSecrets: OTHER_SECRETS,
  otherSettings: { none: 'a signature names no account' },
  handshake: { none: 'an address is good when its first callback is' },
  callback: signed,
  success: { status: 200, contentType: 'application/json', body: '{"ok":true}' },
  maxAgeMs: 300_000,
  inbound,
  outbound: {
    contact: 'c-17',
    text: piece(TEXT),
    healthy,
    isSend: isMessage,
    readsAnswers: false,
    token: { none: 'each call is signed' },
    samples: {
      text: carried(TEXT),
      image: sendsFile('image', 'image/png'),
      audio: sendsFile('audio', 'audio/mpeg'),
      video: sendsFile('video', 'video/mp4'),
      file: sendsFile('file', 'application/pdf'),
      'a file without a name': carried(
        { type: 'file', media: 'md_1' },
        { bytes: BYTES, type: 'text/plain', name: undefined },
        {
          ...{ type: 'file', contentType: 'text/plain', size: 4, data: DATA },
        },
      ),
      'a file above the limit': carried(
        { type: 'file', media: 'md_1', name: 'film.mp4' },
        { bytes: new Uint8Array(1024 * 1024 + 1), type: 'video/mp4', name: 'film.mp4' },
        { type: 'file', name: 'film.mp4', contentType: 'video/mp4', size: 1024 * 1024 + 1 },
      ),
      location: carried(PLACE),
      card: carried(CARD),
      choices: carried(CHOICES),
      event: carried(PAID),
    },
    refusals: {
      '200': { answer: answer(200, 'ok'), outcome: 'sent' },
      '200 with a word that its framework calls HTML': {
        answer: answer(200, 'ok', { 'content-type': 'text/html; charset=utf-8' }),
        outcome: 'sent',
      },
      '200 with JSON': { answer: answer(200, { ok: true }), outcome: 'sent' },
      '200 with a portal that does not say what it is': {
        answer: answer(200, '\ufeff\r\n<!DOCTYPE HTML>\n<title>Sign in</title>', {}),
        ...{ outcome: 'channel-down', reason: /web page/ },
      },
      '203 with a piece of a page': {
        answer: answer(203, '<!-- proxy --><h1>Blocked</h1>', { 'content-type': 'Text/HTML' }),
        ...{ outcome: 'channel-down', reason: /web page/ },
      },
      '409: it has it already': { answer: answer(409), outcome: 'sent' },
      '400': {
        answer: answer(400, { reason: 'unknown contact' }),
        outcome: 'give-up',
        reason: /400 \(unknown contact\)/,
      },
      '404': { answer: answer(404), outcome: 'give-up', reason: /404/ },
      '410': { answer: answer(410), outcome: 'give-up' },
      '413': { answer: answer(413), outcome: 'give-up' },
      '422 with a window that is open': { answer: answer(422, { windowClosed: 'true' }), outcome: 'give-up' },
      '401': { answer: answer(401), outcome: 'channel-down', reason: /outbound-secret/ },
      '403': { answer: answer(403), outcome: 'channel-down', reason: /outbound-secret/ },
      '302': { answer: answer(302), outcome: 'channel-down', reason: /endpoint/ },
      '408': { answer: answer(408), outcome: 'retry' },
      '429': { answer: answer(429), outcome: 'throttled', afterMs: 30_000 },
      '429 with seconds': { answer: answer(429, '', { 'retry-after': '120' }), outcome: 'throttled', afterMs: 120_000 },
      '429 for ever': {
        answer: answer(429, '', { 'retry-after': '999999999' }),
        outcome: 'throttled',
        afterMs: 3_600_000,
      },
      '429 with a date': {
        answer: answer(429, '', { 'retry-after': new Date(AT_MS + 60_000).toUTCString() }),
        ...{ outcome: 'throttled', afterMs: 60_000 },
      },
      '429 with nonsense': {
        answer: answer(429, '', { 'retry-after': 'soon' }),
        outcome: 'throttled',
        afterMs: 30_000,
      },
      '500': { answer: answer(500), outcome: 'retry' },
      '500 with seconds': { answer: answer(500, '', { 'retry-after': '5' }), outcome: 'retry', afterMs: 5_000 },
      '503': { answer: answer(503), outcome: 'retry' },
      '503 with seconds': { answer: answer(503, '', { 'retry-after': '5' }), outcome: 'throttled', afterMs: 5_000 },
    },
    windowClosed: {
      answer: answer(422, { windowClosed: true, reason: '48 hours are over' }),
      ...{ outcome: 'window-closed', reason: /48 hours are over/ },
    },
    channelDown: { answer: answer(401), outcome: 'channel-down' },
    giveUp: { answer: answer(404), outcome: 'give-up' },
    files: {
      'by a link': { source: FILE_URL, result: { bytes: BYTES, type: 'image/png' } },
      'that is gone': { source: FILE_URL, platform: () => answer(404), result: { code: 'KEFU_PLATFORM_REFUSED' } },
      'behind a redirect': { source: FILE_URL, platform: () => answer(302), result: { code: 'KEFU_PLATFORM_REFUSED' } },
      'of a tired host': {
        source: FILE_URL,
        platform: () => answer(503),
        result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
      },
      'that is too large': {
        ...{ source: FILE_URL, platform: () => ({ fails: 'too-large' as const }) },
        result: { code: 'KEFU_BODY_TOO_LARGE' },
      },
      'that is no link': { source: 'photo.png', result: { code: 'KEFU_PLATFORM_REFUSED' } },
    },
    checks: {
      'another secret': {
        platform: () => answer(401),
        failed: { step: 'ping', nextStep: /outbound-secret/ },
      },
      'another path': { platform: () => answer(404), failed: { step: 'ping', nextStep: /path of endpoint/ } },
      'a portal before it': {
        platform: () => answer(200, '<html>Sign in</html>', { 'content-type': 'text/html' }),
        failed: { step: 'ping', nextStep: /endpoint/ },
      },
      'nobody there': { platform: () => ({ fails: 'unwritten' }), failed: { step: 'ping', nextStep: /reached/ } },
      'a clock that is wrong': {
        platform: () => answer(204, '', { date: new Date(AT_MS + 400_000).toUTCString() }),
        failed: { step: 'clock', nextStep: /NTP/ },
      },
      'a secret that is none': {
        platform: healthy,
        secrets: { ...SECRETS, 'outbound-secret': 'whsec_AAAA' },
        failed: { step: 'outbound-secret', nextStep: /base64/ },
      },
    },
  },
}
