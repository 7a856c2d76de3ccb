import { string as argument } from '@oclif/core/args'
import { boolean, integer, option, string } from '@oclif/core/flags'
import type { AnswerOf, RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { durationFlag } from '../_cli/global-flags.js'
import type { Fact } from '../_cli/output.js'
import { instantText, wordsOfOutbox } from '../_cli/words.js'

type Change = NonNullable<RequestOf<'channel.lane'>['change']>
type Lane = AnswerOf<'channel.lane'>['lane']

const SIDES = ['in', 'out', 'both'] as const
const LOOK_MS = 250

export default class ChannelLane extends BaseCommand {
  static override summary = 'show what goes in and out of a channel; pause, drain or limit it'
  static override description =
    'In are the callbacks of the platform, out the messages to it. A lane that is paused on its way in tells the platform to come again, which it does for as long as it does after any failure: some give up after seconds. ' +
    'One that is paused on its way out keeps its messages in the outbox. --drain pauses the way in and waits until everything has gone out. Limits stay until they are changed.'
  static override examples = [
    '<%= config.bin %> channel lane wechat-main',
    '<%= config.bin %> channel lane wechat-main --pause out',
    '<%= config.bin %> channel lane wechat-main --resume',
    '<%= config.bin %> channel lane wechat-main --drain --drain-timeout 2m',
    '<%= config.bin %> channel lane wechat-main --out-rate 20 --in-limit 100',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override flags = {
    pause: option({ options: SIDES, helpValue: 'in|out|both', summary: 'hold the way in, the way out, or both' })(),
    resume: boolean({ summary: 'let both ways go on', exclusive: ['pause', 'drain'] }),
    drain: boolean({ summary: 'hold the way in, and wait until nothing more has to go out', exclusive: ['pause'] }),
    'drain-timeout': durationFlag({ helpValue: '1m', summary: 'how long to wait for that', dependsOn: ['drain'] }),
    'in-limit': integer({ helpValue: 'COUNT', summary: 'callbacks at once that are on their way to disk' }),
    'in-rate': string({ helpValue: 'NUMBER', summary: 'callbacks a second' }),
    'out-concurrency': integer({ helpValue: 'COUNT', summary: 'conversations that are sent to at once' }),
    'out-rate': string({ helpValue: 'NUMBER', summary: 'messages a second, such as 20 or 0.5' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelLane)
    const pause = flags.drain ? 'in' : flags.pause
    const change = given<Change>({
      isInPaused: flags.resume ? false : pause === 'in' || pause === 'both' ? true : undefined,
      isOutPaused: flags.resume ? false : pause === 'out' || pause === 'both' ? true : undefined,
      inLimit: flags['in-limit'],
      inPerSecond: rateOf('in-rate', flags['in-rate']),
      outConcurrency: flags['out-concurrency'],
      outPerSecond: rateOf('out-rate', flags['out-rate']),
    })
    const control = await this.control()
    let answer = await control.call('channel.lane', { name: args.name, ...(isEmpty(change) ? {} : { change }) })
    if (flags.drain) {
      const timeoutMs = flags['drain-timeout'] ?? 60_000
      const deadlineAt = performance.now() + timeoutMs
      while (!isDrained(answer.lane)) {
        if (performance.now() > deadlineAt)
          throw new KefuError('KEFU_TIMEOUT', { what: 'what has to go out', timeoutMs })
        await new Promise(resolve => setTimeout(resolve, LOOK_MS))
        answer = await control.call('channel.lane', { name: args.name })
      }
    }
    this.output.facts(factsOf(answer.channel, answer.lane))
    const { isInPaused, isOutPaused } = answer.lane.settings
    if (isInPaused || isOutPaused) this.output.note(`Next: kefu channel lane ${answer.channel} --resume`)
    return answer
  }
}

/** Nothing is on its way any more. What is parked waits for its contact, and what was given up for an operator. */
function isDrained({ inFlight, sending, outbox }: Lane): boolean {
  return inFlight === 0 && sending === 0 && outbox.due + outbox.retrying + outbox.sending === 0
}

function rateOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text)) return Number(text)
  throw new KefuError('KEFU_USAGE', { reason: `--${flag} is a number of messages a second, such as 20 or 0.5` })
}

function factsOf(channel: string, lane: Lane): Fact[] {
  const { settings, counts, inFlight, sending, outbox, problem, obstruction, pullProblem, lastRefusal } = lane
  const waits = (name: string, wait: Lane['obstruction']): Fact[] =>
    wait === undefined
      ? []
      : [[name, `${wait.reason}, since ${instantText(wait.since)}, until ${instantText(wait.until)}`]]
  return [
    ['channel', channel],
    ['in', settings.isInPaused ? 'paused' : 'open'],
    ['in now', `${inFlight} of ${settings.inLimit} at once, at most ${settings.inPerSecond}/s`],
    ['received', String(counts.received)],
    ['duplicates', String(counts.duplicates)],
    ['refused', String(counts.refused)],
    ['deferred', String(counts.deferred)],
    ...(lastRefusal === undefined
      ? []
      : [['last refusal', `${instantText(lastRefusal.at)} ${lastRefusal.reason}`] as const]),
    ['out', settings.isOutPaused ? 'paused' : obstruction === undefined ? 'open' : 'waits'],
    ['out now', `${sending} of ${settings.outConcurrency} at once, at most ${settings.outPerSecond}/s`],
    ['outbox', wordsOfOutbox(outbox)],
    ['sent', String(counts.sent)],
    ['retried', String(counts.retried)],
    ['failed', String(counts.failed)],
    ['unknown', String(counts.unknown)],
    ['files fetched', String(counts.filesFetched)],
    ['files lost', String(counts.filesLost)],
    ...(problem === undefined ? [] : [['problem', problem] as const]),
    ...waits('out waits for', obstruction),
    ...waits('fetching waits for', pullProblem),
  ]
}
