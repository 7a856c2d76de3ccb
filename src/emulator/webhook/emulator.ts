import { toKefuError } from '../../errors.js'
import { newWebhookSecret, signWebhook } from '../../platform/standard-webhook.js'
import { webhookRefusal } from '../../platform/webhook-verification.js'
import { type ApiAnswer, type ApiRequest, jsonAnswer, jsonObject, textAnswer } from '../core/api.js'
import { createEmulatorCore, type EmulatorPorts, type PlatformEmulator } from '../core/platform-emulator.js'
import type { PushAnswer, PushRequest } from '../core/push-call.js'
import { RecentMap } from '../core/recent.js'
import { checkUser, wordsOfSaid } from '../core/said.js'
import { eventOf, FILES_PATH } from './events.js'
import { readMessage } from './messages.js'

const PUSH = { deadlineMs: 10_000, retryAfterMs: [1_000, 5_000, 30_000], accepts: isTaken } as const
const FILE_LIFETIME_MS = 3 * 86_400_000
const TOLERANCE_MS = 300_000

/** Ids of messages by which one that comes again is recognised. */
const KNOWN_MESSAGES = 10_000
const KNOWN_CONTACTS = 100_000

/** The message of a fault with which the back office says that a contact's window is closed. */
const WINDOW_CLOSED = 'window closed'

/** An imaginary back office that speaks for its customers: what stands behind a webhook channel. */
export function createWebhookEmulator(ports: EmulatorPorts = {}): PlatformEmulator {
  const core = createEmulatorCore(ports, { push: PUSH, media: { lifetimeMs: FILE_LIFETIME_MS }, tokens: {} })
  const { clock, pusher, sent, media } = core
  const theirs = newWebhookSecret(core.random)
  const ours = newWebhookSecret(core.random)
  const taken = new RecentMap<true>(KNOWN_MESSAGES)
  const contacts = new RecentMap<true>(KNOWN_CONTACTS)

  /** What kefu posts: messages and pings. */
  function take({ method, header, bytes }: ApiRequest): ApiAnswer {
    if (method !== 'POST') return textAnswer('post it\n', 405)
    const reason = webhookRefusal(header, bytes, [theirs], { nowMs: clock.now(), toleranceMs: TOLERANCE_MS })
    if (reason !== undefined) return jsonAnswer({ reason }, 401)
    const body = jsonObject(bytes)
    if (body?.type === 'ping') return textAnswer('')
    const message = body?.type === 'message' ? readMessage(body) : undefined
    if (message === undefined) return jsonAnswer({ reason: 'not a message' }, 400)
    if (taken.get(message.id)) return jsonAnswer({ reason: 'it is here already' }, 409)
    if (!contacts.get(message.contact)) return jsonAnswer({ reason: 'nobody has this id' }, 404)
    taken.set(message.id, true)
    sent.record(message.contact, message.type, message.text, body)
    return textAnswer('')
  }

  function file({ query }: ApiRequest): ApiAnswer {
    const found = media.get(query.get('id') ?? '')
    return found === undefined
      ? textAnswer('gone\n', 404)
      : { status: 200, contentType: found.contentType, body: found.bytes }
  }

  function signed(body: object): PushRequest {
    const text = JSON.stringify(body)
    const id = `msg-${Buffer.from(core.random(12)).toString('hex')}`
    const signature = signWebhook(id, Math.floor(clock.now() / 1000), text, [ours])
    return { method: 'POST', headers: { 'content-type': 'application/json', ...signature }, body: text }
  }

  return {
    kind: 'webhook',
    account: {
      settings: { 'media-hosts': '127.0.0.1' },
      addressSetting: 'endpoint',
      credentials: { 'inbound-secret': ours, 'outbound-secret': theirs },
    },
    core,
    handle(request) {
      if (request.path === FILES_PATH) return file(request)
      return request.path === '/' ? take(request) : undefined
    },
    failure(code, message = 'as ordered') {
      const status = code >= 400 && code < 600 ? code : 500
      return jsonAnswer({ reason: message, ...(message === WINDOW_CLOSED && { windowClosed: true }) }, status)
    },
    say(user, said, failedOnce) {
      contacts.set(checkUser(user), true)
      const event = eventOf(core, user, said)
      return pusher.push({
        ...{ user, what: wordsOfSaid(said), failedOnce },
        build: () => signed(event),
      })
    },
    async verify() {
      try {
        const { status } = await pusher.callOnce(signed({ type: 'ping' }))
        return status === 200 ? undefined : `it answered ${status}`
      } catch (error) {
        return String(toKefuError(error).detail.reason ?? 'it does not answer')
      }
    },
  }
}

function isTaken({ status }: PushAnswer): boolean {
  return status >= 200 && status < 300
}
