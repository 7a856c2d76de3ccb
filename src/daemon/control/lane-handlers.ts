import { randomBytes } from 'node:crypto'
import { isKefuError, KefuError } from '../../errors.js'
import type { CheckStep, SendOutcome } from '../core/channel-adapter.js'
import { CHECK_TIMEOUT_MS, namedStep, withChannelName } from '../core/check-step.js'
import { channelOwner } from '../core/conversation.js'
import type { Missing } from '../core/kind-settings.js'
import type { Channel } from '../core/model.js'
import type { OutboxPort, OutboxTotals } from '../core/ports.js'
import type { Obstruction } from '../engine/platforms/connection.js'
import type { LaneReading, Platforms } from '../engine/platforms/platforms.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { Log } from '../observe/log.js'
import type { LaneView, PlatformView } from './lane-operations.js'
import type { ParsedRequestOf } from './operations.js'
import { sumOf } from './outbox-handlers.js'
import { presentOnly } from './present-only.js'

/** What the operations on lanes act on. */
export type LaneControlPorts = {
  readonly channels: ChannelRegistry
  readonly platforms: Pick<Platforms, 'lane' | 'check' | 'sendTest'>
  readonly outbox: Pick<OutboxPort, 'totals'>
  readonly log: Pick<Log, 'info'>
}

const TEST_TEXT = 'kefu: 测试消息 / test message'

/** What a channel behind a platform lacks, and the path of its callback address; undefined for one that has no platform. */
export function platformOf(
  { platforms }: Pick<LaneControlPorts, 'platforms'>,
  channel: Channel,
): PlatformView | undefined {
  const lane = platforms.lane(channel.number)
  if (lane === undefined) return undefined
  const { missing, problem } = lane
  return {
    callbackPath: `/v1/channels/${encodeURIComponent(channel.name)}/callback`,
    missingSettings: missing.settings,
    missingCredentials: missing.credentials,
    ...(problem === undefined || missing.settings.length > 0 ? {} : { problem }),
  }
}

/** The operations on the lanes of channels behind platforms. */
export function createLaneHandlers(ports: LaneControlPorts) {
  const { channels, platforms, outbox, log } = ports

  const readingOf = ({ name, number, kind }: Channel): LaneReading => {
    const reading = platforms.lane(number)
    if (reading !== undefined) return reading
    throw new KefuError('KEFU_USAGE', { reason: `${name} is of kind ${kind}, which has no platform behind it` })
  }

  return {
    'channel.lane': async ({ name, change }: ParsedRequestOf<'channel.lane'>) => {
      readingOf(channels.show(name))
      const { channel, changed } =
        change === undefined
          ? { channel: channels.show(name), changed: false }
          : await channels.set(name, { lane: presentOnly(change) })
      if (changed) log.info('channel.lane-changed', { channel: channel.name, ...change })
      const totals = (await outbox.totals()).get(channelOwner(channel.number))
      return { channel: channel.name, lane: viewOf(channel.name, readingOf(channel), totals), changed }
    },

    'channel.test': async (
      { name, sendTo, text = TEST_TEXT }: ParsedRequestOf<'channel.test'>,
      signal: AbortSignal,
    ) => {
      const channel = channels.show(name)
      const { missing } = readingOf(channel)
      const abort = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)])
      const isReady = missing.settings.length === 0
      const found = isReady ? await checked('adapter', () => platforms.check(channel.number, abort)) : []
      if (sendTo !== undefined) {
        const id = `test-${randomBytes(8).toString('hex')}`
        const send = () => platforms.sendTest(channel.number, sendTo, text, id, abort)
        found.push(...(await checked('send', async () => [sendStep(await send())])))
      }
      const steps = [...lackingSteps(channel.name, missing, found), ...found].map(step => namedStep(step, channel.name))
      const ok = steps.every(({ result }) => result !== 'failed')
      log.info('channel.tested', { channel: channel.name, ok })
      return { channel: channel.name, ok, steps }
    },
  }
}

/** A step for everything that is not set and that no step of the check says to set. */
function lackingSteps(channel: string, { settings, credentials }: Missing, found: readonly CheckStep[]): CheckStep[] {
  const words = found.map(({ nextStep = '' }) => `${nextStep} `).join()
  const lacking = (step: string, nextStep: string): CheckStep => ({
    ...{ step, result: 'failed', reason: 'it is not set', nextStep },
  })
  return [
    ...settings.map(name => lacking(`setting ${name}`, `kefu channel set ${channel} --set ${name}=…`)),
    ...credentials
      .map(name => ({ name, nextStep: `kefu credential set ${channel} ${name}` }))
      .filter(({ nextStep }) => ![' ', ':', ';'].some(end => words.includes(`${nextStep}${end}`)))
      .map(({ name, nextStep }) => lacking(`credential ${name}`, nextStep)),
  ]
}

/** What throws is a step that failed. */
async function checked(step: string, check: () => Promise<readonly CheckStep[]>): Promise<CheckStep[]> {
  try {
    return [...(await check())]
  } catch (error) {
    if (!isKefuError(error) || error.code === 'KEFU_INTERNAL') throw error
    return [{ step, result: 'failed', reason: error.message, nextStep: error.hint }]
  }
}

const NOT_SENT = {
  retry: ['it was not sent', 'try again'],
  throttled: ['the platform takes no more for a while', 'try again later'],
  'window-closed': ['the platform takes nothing until the contact has written', 'write to the channel as the contact'],
  'give-up': ['the platform will never take this', 'check the id of the contact'],
  'channel-down': ['nothing can be sent on this channel', 'change what the reason names'],
  unknown: ['it may have been sent or not', 'look on the platform whether it has come'],
} as const satisfies Record<Exclude<SendOutcome['type'], 'sent'>, readonly [what: string, nextStep: string]>

function sendStep(outcome: SendOutcome): CheckStep {
  if (outcome.type === 'sent') return { step: 'send', result: 'ok' }
  const [what, nextStep] = NOT_SENT[outcome.type]
  return { step: 'send', result: 'failed', reason: `${what}: ${outcome.reason}`, nextStep }
}

function viewOf(channel: string, reading: LaneReading, totals: OutboxTotals | undefined): LaneView {
  const { missing: _, obstruction, pullProblem, ...rest } = reading
  const named = (found: Obstruction): Obstruction => ({ ...found, reason: withChannelName(found.reason, channel) })
  return {
    ...rest,
    ...(obstruction !== undefined && { obstruction: named(obstruction) }),
    ...(pullProblem !== undefined && { pullProblem: named(pullProblem) }),
    outbox: sumOf(totals === undefined ? [] : [totals]),
  }
}
