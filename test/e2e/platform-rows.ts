import { randomBytes } from 'node:crypto'
import type { FaultInput } from '../../src/emulator/core/faults.js'
import type { EmulatedAccount, EmulatorCore } from '../../src/emulator/core/platform-emulator.js'
import type { SaidInput } from '../../src/emulator/core/said.js'
import type { SentMessage } from '../../src/emulator/core/send-log.js'
import type { EmulatedKind } from '../../src/emulator/emulators.js'
import { newWebhookSecret } from '../../src/platform/standard-webhook.js'

/** In what the platforms differ, as far as these tests see it. */
export type PlatformRow = {
  readonly kind: EmulatedKind
  /** Something that nobody has to answer, and the event that it becomes. */
  readonly sign: SaidInput
  readonly signName: string
  readonly hasChoices: boolean
  /** The call that sends a message. */
  readonly sendPath: string
  /** The call that brings a token. */
  readonly tokenPath?: string
  /** Callbacks only signal; this call brings what has happened, each thing once and in its order. */
  readonly pullPath?: string
  /** Messages that the platform takes after each of the contact's. */
  readonly quota?: number
  /** Whether it takes a message that comes again for the same one. */
  readonly recognisesRepeats: boolean
  /** The platform is busy, and says so. */
  readonly busy: FaultInput
  /** The platform refuses one message, for its contact's sake. */
  readonly refused: FaultInput
  /** The platform does not trust the address of this server, and what the lane says then. */
  readonly untrusted: FaultInput
  readonly untrustedWords: RegExp
  /** How its check fails: the step, and what it says. */
  readonly check: {
    /** The credentials that kefu is known by, and that callbacks are signed with. */
    readonly outbound: string
    readonly inbound: string
    readonly wrongSecret: readonly [step: string, words: RegExp]
    readonly untrusted: FaultInput
    readonly untrustedStep: string
    readonly untrustedWords: RegExp
    readonly clockStep: string
    readonly rotationRefused: RegExp
  }
  /** The id of the contact that a user is. */
  contactOf(user: string, settings: EmulatedAccount['settings']): string
  /** A secret of the right form that nobody else has. */
  otherSecret(name: string): string
  /** What of a callback is signed, or is the signature: a parameter, a header, or what a pattern finds in the body (all of it without one). */
  readonly signed: readonly (readonly ['query' | 'header' | 'body', string])[]
  /** The picture that was sent. */
  pictureOf(message: SentMessage, core: EmulatorCore): Uint8Array
}

const SIGNED_QUERY = [
  ['query', 'msg_signature'],
  ['query', 'timestamp'],
  ['query', 'nonce'],
] as const

const TENCENT = {
  quota: 5,
  recognisesRepeats: false,
  hasChoices: true,
  signed: [...SIGNED_QUERY, ['body', '<Encrypt><!\\[CDATA\\[(.*?)\\]\\]>']],
  otherSecret: () => randomBytes(16).toString('hex'),
  pictureOf({ body }, { media }) {
    const { image } = body as { readonly image: { readonly media_id: string } }
    return media.get(image.media_id)!.bytes
  },
} as const satisfies Partial<PlatformRow>

const wechat = {
  ...TENCENT,
  sendPath: '/cgi-bin/message/custom/send',
  tokenPath: '/cgi-bin/stable_token',
  contactOf: user => user,
  busy: { fault: 'error', code: -1, path: '/cgi-bin/message/custom/send' },
  refused: { fault: 'error', code: 40003, path: '/cgi-bin/message/custom/send' },
  untrusted: { fault: 'error', code: 40164 },
  untrustedWords: /40164.*IP白名单/,
  check: {
    ...{ outbound: 'app-secret', inbound: 'token' },
    wrongSecret: ['access token', /AppSecret.*kefu credential set wechat-\w+ app-secret/s],
    untrusted: { fault: 'error', code: 40164, path: '/cgi-bin/stable_token' },
    untrustedStep: 'access token',
    untrustedWords: /40164.*IP白名单/,
    clockStep: 'clock',
    rotationRefused: /40125/,
  },
} satisfies Partial<PlatformRow>

/** Every kind of channel that has an emulator. */
export const PLATFORM_ROWS: readonly PlatformRow[] = [
  {
    ...wechat,
    kind: 'wechat-mp',
    sign: { type: 'event', event: 'subscribe' },
    signName: 'follow',
  },
  {
    ...wechat,
    kind: 'wechat-mini',
    sign: { type: 'event', event: 'user_enter_tempsession', fields: { SessionFrom: 'shop' } },
    signName: 'enter',
    hasChoices: false,
    signed: [...SIGNED_QUERY, ['body', '"Encrypt":"(.*?)"']],
  },
  {
    ...TENCENT,
    kind: 'wecom-kf',
    sign: { type: 'event', event: 'enter_session', fields: { scene: 'shop' } },
    signName: 'enter_session',
    sendPath: '/cgi-bin/kf/send_msg',
    tokenPath: '/cgi-bin/gettoken',
    pullPath: '/cgi-bin/kf/sync_msg',
    contactOf: (user, settings) => `${settings['open-kfid']}:${user}`,
    busy: { fault: 'error', code: -1, path: '/cgi-bin/kf/send_msg' },
    refused: { fault: 'error', code: 95004, path: '/cgi-bin/kf/send_msg' },
    untrusted: { fault: 'error', code: 60020 },
    untrustedWords: /企业可信IP.*60020/,
    check: {
      ...{ outbound: 'secret', inbound: 'token' },
      wrongSecret: ['access token', /Secret.*kefu credential set wecom-kf secret/s],
      untrusted: { fault: 'error', code: 60020, path: '/cgi-bin/gettoken' },
      untrustedStep: 'access token',
      untrustedWords: /60020.*企业可信IP/s,
      clockStep: 'clock',
      rotationRefused: /40001/,
    },
  },
  {
    kind: 'webhook',
    sign: { type: 'event', event: 'enter' },
    signName: 'enter',
    hasChoices: true,
    sendPath: '/',
    contactOf: user => user,
    recognisesRepeats: true,
    signed: [
      ['header', 'webhook-id'],
      ['header', 'webhook-timestamp'],
      ['header', 'webhook-signature'],
      ['body', ''],
    ],
    busy: { fault: 'status', status: 502 },
    refused: { fault: 'error', code: 404, message: 'nobody of this name', path: '/' },
    untrusted: { fault: 'error', code: 403, message: 'address not on the list' },
    untrustedWords: /403.*address not on the list/,
    check: {
      ...{ outbound: 'outbound-secret', inbound: 'inbound-secret' },
      wrongSecret: ['ping', /401.*outbound-secret/s],
      untrusted: { fault: 'error', code: 403, message: 'address not on the list' },
      untrustedStep: 'ping',
      untrustedWords: /403.*address not on the list/,
      clockStep: 'clock',
      rotationRefused: /401/,
    },
    otherSecret: () => newWebhookSecret(randomBytes),
    pictureOf({ body }) {
      const { part } = body as { readonly part: { readonly data: string } }
      return Buffer.from(part.data, 'base64')
    },
  },
]
