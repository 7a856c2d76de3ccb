import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { CONVERSATION_ID_BYTES, type ConversationId, formatConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import type { MediaId } from '../../core/media.js'
import { orderedId, type RandomBytes } from '../../core/ordered-id.js'
import type { Clock } from '../../core/ports.js'

/** What visitor tokens, conversation ids and media links are made with. */
export type TokenPorts = {
  /** The server secret: the same after every start, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
}

/** Whom a visitor token speaks for. */
export type VisitorIdentity = {
  readonly channel: number
  /** Contact identity: `u_…` when known, `v_…` when anonymous. */
  readonly contact: string
  /** Whether the site asserted who it is. */
  readonly known: boolean
}

/** A link to a file. */
export type MediaLink = {
  readonly conversation: ConversationId
  readonly media: string
  /** Epoch ms after which it is refused. */
  readonly expiresAt: number
}

/** Everything that is derived from the server secret. Each use has a key of its own (HKDF-SHA256). */
export type Tokens = {
  /**
   * The conversation of a contact on a channel: the first 16 bytes of an HMAC-SHA256, so the same for the same pair for ever, and not to be guessed without the
   * secret. Throws `KEFU_CODEC_INVALID` for a contact that is no well-formed Unicode. Those asked for last are remembered.
   */
  conversationId(channel: number, contact: string): ConversationId
  /** A new identity for a visitor whom nobody vouches for. */
  anonymousContact(): string
  /** A token of at most 1,024 characters which does not expire. Throws `KEFU_CODEC_INVALID` for a contact outside its namespace or over 512 bytes. */
  issueVisitorToken(identity: VisitorIdentity): string
  /** Whom a token of ours speaks for; `undefined` for any other text of any length. Compares in constant time. */
  readVisitorToken(token: string): (VisitorIdentity & { readonly issuedAt: number }) | undefined
  /** The signature of a link: 43 characters that are safe in URLs. */
  signMedia(link: MediaLink): string
  /** Whether a link's signature is ours and it has not expired. Compares in constant time. */
  verifyMedia(link: MediaLink, signature: string): boolean
  /** The path of a file with a signature, and the instant (epoch ms) until which it is served. */
  mediaUrl(conversation: ConversationId, media: MediaId): { readonly url: string; readonly expiresAt: number }
}

/** How long a media link is served. */
export const MEDIA_LINK_MS = 10 * 60_000

/** Conversation ids that are remembered: each is an HMAC, and who writes once writes again. */
const REMEMBERED = 16_384
const ANONYMOUS = 'v_'
const KNOWN = 'u_'
const TOKEN_PREFIX = 'kvt_'
const TOKEN_LENGTH = 1024
const TOKEN = /^kvt_([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/
const TOKEN_VERSION = 1
const CONTACT_BYTES = 512
const FIXED_BYTES = 10
const IDENTITY_SECRET_LENGTH = 16

/** Tokens over a server secret. Throws `KEFU_INTERNAL` for a secret under 32 bytes. */
export function createTokens({ secret, clock, random }: TokenPorts): Tokens {
  if (secret.length < 32) throw new KefuError('KEFU_INTERNAL', { reason: 'the server secret is too short' })
  const conversationKey = derive(secret, 'conversation id')
  const visitorKey = derive(secret, 'visitor token')
  const mediaKey = derive(secret, 'media link')

  const conversations = new Map<string, ConversationId>()

  const signMedia = ({ conversation, media, expiresAt }: MediaLink) =>
    createHmac('sha256', mediaKey).update(`${conversation}/${media}/${expiresAt}`).digest('base64url')

  return {
    conversationId(channel, contact) {
      const name = `${channel}/${contact}`
      const known = conversations.get(name)
      if (known !== undefined) return known
      if (!contact.isWellFormed()) throw invalid('the contact is not well-formed Unicode')
      const mac = createHmac('sha256', conversationKey).update(name).digest()
      const id = formatConversationId(mac.subarray(0, CONVERSATION_ID_BYTES))
      if (conversations.size >= REMEMBERED) conversations.clear()
      conversations.set(name, id)
      return id
    },
    anonymousContact() {
      return orderedId('v', clock.now(), random)
    },
    issueVisitorToken(identity) {
      const payload = encodePayload(identity, clock.now()).toString('base64url')
      return `${TOKEN_PREFIX}${payload}.${createHmac('sha256', visitorKey).update(payload).digest('base64url')}`
    },
    readVisitorToken(token) {
      if (token.length > TOKEN_LENGTH) return undefined
      const [, payload, mac] = TOKEN.exec(token) ?? []
      if (payload === undefined || mac === undefined) return undefined
      if (!isSameText(mac, createHmac('sha256', visitorKey).update(payload).digest('base64url'))) return undefined
      return decodePayload(Buffer.from(payload, 'base64url'))
    },
    signMedia,
    verifyMedia(link, signature) {
      return isSameText(signature, signMedia(link)) && link.expiresAt > clock.now()
    },
    mediaUrl(conversation, media) {
      const expiresAt = clock.now() + MEDIA_LINK_MS
      const signature = signMedia({ conversation, media, expiresAt })
      return { url: `/v1/media/${conversation}/${media}?expires=${expiresAt}&signature=${signature}`, expiresAt }
    },
  }
}

/** The contact identity of a user whom the site vouches for: a namespace of its own, so that no anonymous visitor is ever taken for one. */
export function knownContact(id: string): string {
  return `${KNOWN}${id}`
}

/**
 * Whether a site vouches for a user: `signature` is the HMAC-SHA256 (lower-case hex) of the text `id|expiresAt` with the channel's identity secret (its UTF-8
 * bytes as the key), and `expiresAt`, in milliseconds since 1970, is after `nowMs`. A secret of fewer than 16 characters vouches for nobody. Compares in
 * constant time.
 */
export function verifyIdentity(
  identity: { readonly id: string; readonly expiresAt: number; readonly signature: string },
  channelIdentitySecret: string,
  nowMs: number,
): boolean {
  const { id, expiresAt, signature } = identity
  const expected = createHmac('sha256', channelIdentitySecret).update(`${id}|${expiresAt}`).digest('hex')
  const isSigned = isSameText(signature, expected)
  return (
    isSigned &&
    channelIdentitySecret.length >= IDENTITY_SECRET_LENGTH &&
    Number.isSafeInteger(expiresAt) &&
    expiresAt > nowMs
  )
}

/** Payload: version u8, channel u16 BE, known u8, instant of issue u48 BE (epoch ms), contact in UTF-8. */
function encodePayload({ channel, contact, known }: VisitorIdentity, nowMs: number): Buffer {
  if (!isInNamespace(contact, known)) throw invalid('the contact is outside its namespace')
  const name = Buffer.from(contact)
  if (name.length > CONTACT_BYTES) throw invalid('the contact is too long')
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + name.length)
  bytes.writeUInt8(TOKEN_VERSION, 0)
  bytes.writeUInt16BE(channel, 1)
  bytes.writeUInt8(known ? 1 : 0, 3)
  bytes.writeUIntBE(nowMs, 4, 6)
  name.copy(bytes, FIXED_BYTES)
  return bytes
}

function decodePayload(bytes: Buffer): (VisitorIdentity & { readonly issuedAt: number }) | undefined {
  if (bytes.length < FIXED_BYTES || bytes[0] !== TOKEN_VERSION) return undefined
  return {
    channel: bytes.readUInt16BE(1),
    contact: bytes.toString('utf8', FIXED_BYTES),
    known: bytes[3] === 1,
    issuedAt: bytes.readUIntBE(4, 6),
  }
}

function isInNamespace(contact: string, known: boolean): boolean {
  const prefix = known ? KNOWN : ANONYMOUS
  return contact.startsWith(prefix) && contact.length > prefix.length && contact.isWellFormed()
}

/** Whether `given` is `expected` (ASCII), in a time that depends on the length of `given` only. */
function isSameText(given: string, expected: string): boolean {
  const bytes = Buffer.from(given.length === expected.length ? given : '')
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected))
}

function derive(secret: Uint8Array, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `kefu 1: ${use}`, 32))
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}
