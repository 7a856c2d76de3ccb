import { KefuError, toKefuError } from '../../../errors.js'
import { isWebhookSecret, signWebhook } from '../../../platform/standard-webhook.js'
import { webhookRefusal } from '../../../platform/webhook-verification.js'
import type {
  Adapter,
  AdapterInput,
  AdapterPorts,
  CallbackAnswer,
  ChannelDriver,
  PlatformResponse,
  Reception,
} from '../../core/channel-adapter.js'
import { createRefuseCallback, type RefuseCallback } from '../../core/refuse-callback.js'
import { WEBHOOK } from '../tables/webhook.js'
import { check } from './check.js'
import { readEvents } from './events.js'
import { fetchLinkedFile, hostsOf } from './files.js'
import { messageBody } from './message.js'
import { outcomeOf, outcomeOfFailure } from './outcome.js'

/** How old a signature may be, and how far ahead. */
const TOLERANCE_MS = 300_000
const ANSWER_BYTES = 256 * 1024

const TAKEN: CallbackAnswer = { status: 200, contentType: 'application/json', body: '{"ok":true}' }

/** The channel for any other system. */
export const WEBHOOK_DRIVER: ChannelDriver = {
  table: WEBHOOK,
  open(ports, input) {
    const settings = settingsOf(input)
    return openAdapter(ports, input, settings)
  },
}

type Settings = {
  readonly endpoint: string | undefined
  readonly timeoutMs: number
  readonly fileLimitBytes: number
  readonly mediaHosts: ReadonlySet<string> | undefined
}

function settingsOf({ settings }: AdapterInput): Settings {
  const { endpoint, 'media-hosts': hosts } = settings
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url !== undefined && (url.username !== '' || url.password !== ''))
    throw new KefuError('KEFU_USAGE', {
      reason: 'endpoint must not hold a user name or password: settings are no secrets',
    })
  return {
    endpoint: typeof endpoint === 'string' ? endpoint : undefined,
    timeoutMs: Number(settings['timeout-seconds'] ?? WEBHOOK.settings['timeout-seconds'].default) * 1000,
    fileLimitBytes: Number(settings['file-limit-kib'] ?? WEBHOOK.settings['file-limit-kib'].default) * 1024,
    mediaHosts: hostsOf(typeof hosts === 'string' ? hosts : undefined),
  }
}

function openAdapter(ports: AdapterPorts, { secrets }: AdapterInput, settings: Settings): Adapter {
  const { http, clock, random } = ports
  const inbound = valuesOf('inbound-secret')
  const outbound = valuesOf('outbound-secret')

  /** The secret, and the one that it has replaced. */
  function valuesOf(name: 'inbound-secret' | 'outbound-secret'): readonly string[] {
    const secret = secrets.get(name)
    if (secret === undefined) return []
    const { value, previous } = secret
    return previous === undefined || !isWebhookSecret(previous) ? [value] : [value, previous]
  }

  const refuse: RefuseCallback = createRefuseCallback()

  function refusalOf(header: (name: string) => string | undefined, bytes: Uint8Array, nowMs: number) {
    return webhookRefusal(header, bytes, inbound, { nowMs, toleranceMs: TOLERANCE_MS })
  }

  function post(endpoint: string, id: string, body: string, abort: AbortSignal): Promise<PlatformResponse> {
    const signature = signWebhook(id, Math.floor(clock.now() / 1000), body, outbound)
    const headers = { 'content-type': 'application/json', ...signature }
    const { timeoutMs } = settings
    return http.call({ method: 'POST', url: endpoint, headers, body, timeoutMs, limitBytes: ANSWER_BYTES }, abort)
  }

  /** Whether the inbound secret is one that signatures can be made with. */
  function selfCheck(): string | undefined {
    const [secret] = inbound
    if (secret === undefined) return undefined
    if (!isWebhookSecret(secret)) return 'it is not the secret of a webhook'
    const headers = signWebhook('check', Math.floor(clock.now() / 1000), '{}', [secret])
    return refusalOf(name => headers[name], Buffer.from('{}'), clock.now())
  }

  return {
    receive({ header, bytes, arrivedAtMs }): Reception {
      if (inbound.length === 0) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'inbound-secret' })
      const reason = refusalOf(header, bytes, arrivedAtMs)
      if (reason !== undefined) refuse(reason)
      return { answer: TAKEN, events: readEvents(bytes) }
    },

    async send(to, piece, abort) {
      const { endpoint, fileLimitBytes } = settings
      if (endpoint === undefined) return { type: 'channel-down', reason: 'the setting endpoint is not set' }
      const [secret] = outbound
      if (secret === undefined) return { type: 'channel-down', reason: 'the credential outbound-secret is not set' }
      if (!isWebhookSecret(secret))
        return { type: 'channel-down', reason: 'outbound-secret is not the secret of a webhook' }
      try {
        const response = await post(endpoint, to.id, messageBody(to, piece, fileLimitBytes), abort)
        return outcomeOf(response, clock.now(), outbound)
      } catch (error) {
        return outcomeOfFailure(toKefuError(error))
      }
    },

    fetchFile(source, limitBytes, abort) {
      return fetchLinkedFile(http, settings.mediaHosts, source, limitBytes, abort)
    },

    check(abort) {
      const { endpoint } = settings
      const id = `ping_${Buffer.from(random(12)).toString('hex')}`
      return check({
        now: () => clock.now(),
        selfCheck,
        hasSecret: name => secrets.has(name),
        isOutboundUsable: outbound.every(isWebhookSecret),
        endpoint,
        ping: () => post(endpoint ?? '', id, JSON.stringify({ type: 'ping', id }), abort),
        secrets: [...inbound, ...outbound],
      })
    },
  }
}
