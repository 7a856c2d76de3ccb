import { randomBytes } from 'node:crypto'
import { isKefuError, KefuError } from '../../errors.js'
import type { CheckStep, SendOutcome } from '../core/channel-adapter.js'
import { channelOwner } from '../core/conversation.js'
import type { Channel } from '../core/model.js'
import type { OutboxPort, OutboxTotals } from '../core/ports.js'
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
const CHECK_TIMEOUT_MS = 30_000

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
      return { channel: channel.name, lane: viewOf(readingOf(channel), totals), changed }
    },

    'channel.test': async (
      { name, sendTo, text = TEST_TEXT }: ParsedRequestOf<'channel.test'>,
      signal: AbortSignal,
    ) => {
      const channel = channels.show(name)
      const { missing } = readingOf(channel)
      const steps: CheckStep[] = [
        ...missing.settings.map(setting =>
          lacking('setting', setting, `kefu channel set ${channel.name} --set ${setting}=…`),
        ),
        ...missing.credentials.map(each => lacking('credential', each, `kefu credential set ${channel.name} ${each}`)),
      ]
      const abort = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)])
      if (missing.settings.length === 0) steps.push(...(await checked(() => platforms.check(channel.number, abort))))
      if (sendTo !== undefined) {
        const id = `test-${randomBytes(8).toString('hex')}`
        steps.push(
          ...(await checked(async () => [sendStep(await platforms.sendTest(channel.number, sendTo, text, id, abort))])),
        )
      }
      const ok = steps.every(({ result }) => result !== 'failed')
      log.info('channel.tested', { channel: channel.name, ok })
      return { channel: channel.name, ok, steps }
    },
  }
}

function lacking(what: string, name: string, nextStep: string): CheckStep {
  return { step: `${what} ${name}`, result: 'failed', reason: 'it is not set', nextStep }
}

/** What throws is a step that failed. */
async function checked(check: () => Promise<readonly CheckStep[]>): Promise<readonly CheckStep[]> {
  try {
    return await check()
  } catch (error) {
    if (!isKefuError(error) || error.code === 'KEFU_INTERNAL') throw error
    return [{ step: 'adapter', result: 'failed', reason: error.message, nextStep: error.hint }]
  }
}

function sendStep(outcome: SendOutcome): CheckStep {
  if (outcome.type === 'sent') return { step: 'send', result: 'ok' }
  return { step: 'send', result: 'failed', reason: `${outcome.type}: ${outcome.reason}` }
}

function viewOf({ missing: _, ...reading }: LaneReading, totals: OutboxTotals | undefined): LaneView {
  return { ...reading, outbox: sumOf(totals === undefined ? [] : [totals]) }
}
