import { toKefuError } from '../../../errors.js'
import type { CheckStep, PlatformResponse } from '../../core/channel-adapter.js'
import { outcomeOf } from './outcome.js'

/** The farthest that two clocks may be apart before it is told: half of what signatures bear. */
const SKEW_MS = 150_000

const UNUSABLE = 'it is not the secret of a webhook'
/** No ping without a signature. */
const UNSIGNED: CheckStep = { step: 'ping', result: 'skipped', reason: 'it needs a good outbound-secret' }

const NEW_SECRET = 'whsec_ and 32 random bytes in base64; both sides have to have the same'

/** What a check looks at. */
export type CheckPorts = {
  readonly now: () => number
  /** Why the secret for what comes in does not verify what it signs; undefined when it does, or when there is none. */
  readonly selfCheck: () => string | undefined
  readonly hasSecret: (name: 'inbound-secret' | 'outbound-secret') => boolean
  readonly isOutboundUsable: boolean
  readonly endpoint: string | undefined
  readonly ping: () => Promise<PlatformResponse>
  readonly secrets: readonly string[]
}

/** Checks a channel: both secrets, a signed ping to the endpoint, and the clock of its host. */
export async function check(ports: CheckPorts): Promise<readonly CheckStep[]> {
  const inbound = secretStep(ports, 'inbound-secret', ports.selfCheck)
  const outbound = secretStep(ports, 'outbound-secret', () => (ports.isOutboundUsable ? undefined : UNUSABLE))
  return [inbound, outbound, ...(outbound.result === 'ok' ? await pingSteps(ports) : [UNSIGNED])]
}

function secretStep(
  { hasSecret }: CheckPorts,
  name: 'inbound-secret' | 'outbound-secret',
  verify: () => string | undefined,
): CheckStep {
  if (!hasSecret(name))
    return failed(name, `the credential ${name} is not set`, `kefu credential set CHANNEL ${name}: ${NEW_SECRET}`)
  const reason = verify()
  return reason === undefined ? { step: name, result: 'ok' } : failed(name, reason, `set ${name} anew: ${NEW_SECRET}`)
}

async function pingSteps({ now, endpoint, ping: call, secrets }: CheckPorts): Promise<readonly CheckStep[]> {
  if (endpoint === undefined)
    return [failed('ping', 'the setting endpoint is not set', 'set endpoint: kefu channel set NAME')]
  let response: PlatformResponse
  try {
    response = await call()
  } catch (error) {
    const { message, code } = toKefuError(error)
    if (code === 'KEFU_ABORTED') throw error
    return [failed('ping', message, 'check that endpoint is right and that its host can be reached from here')]
  }
  const nowMs = now()
  const theirMs = Date.parse(response.header('date') ?? '')
  const ping = pingStep(response, nowMs, secrets)
  return Number.isNaN(theirMs) ? [ping] : [ping, clockStep(Math.abs(theirMs - nowMs))]
}

function pingStep(response: PlatformResponse, nowMs: number, secrets: readonly string[]): CheckStep {
  const outcome = outcomeOf(response, nowMs, secrets)
  if (outcome.type === 'sent') return { step: 'ping', result: 'ok' }
  const nextStep = {
    'channel-down': 'make both sides agree on outbound-secret, and enter an endpoint that does not lead elsewhere',
    'give-up': 'answer a ping with a status from 200 to 299; check the path of endpoint',
    'window-closed': 'answer a ping with a status from 200 to 299',
    throttled: 'allow more requests, or try again later',
    retry: 'look into the log of the other system',
    unknown: 'look into the log of the other system',
  }[outcome.type]
  return failed('ping', outcome.reason, nextStep)
}

function clockStep(skewMs: number): CheckStep {
  if (skewMs <= SKEW_MS) return { step: 'clock', result: 'ok' }
  const seconds = Math.round(skewMs / 1000)
  return failed(
    'clock',
    `the clocks are ${seconds} seconds apart`,
    'set both by NTP: signatures bear 300 seconds at most',
  )
}

function failed(step: string, reason: string, nextStep: string): CheckStep {
  return { step, result: 'failed', reason, nextStep }
}
