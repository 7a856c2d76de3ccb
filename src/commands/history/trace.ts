import { string as argument } from '@oclif/core/args'
import { parseMessageId } from '../../codec/message-id.js'
import type { HistoryTraceView } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact, ListColumn } from '../_cli/output.js'
import { instantText } from '../_cli/words.js'
import { CHANNEL, refOf } from './_history/conversation-args.js'

type Step = HistoryTraceView['steps'][number]

const STATE_WORDS: Readonly<Record<Step['state'], string>> = {
  done: 'yes',
  open: 'not yet',
  failed: 'failed',
  none: '–',
  unknown: 'not known',
}

const COLUMNS: readonly ListColumn<Step>[] = [
  { key: 'step', header: 'STATION', plain: step => step.step },
  { key: 'state', header: 'PASSED', plain: step => step.state, human: step => STATE_WORDS[step.state] },
  {
    key: 'at',
    header: 'WHEN',
    plain: step => (step.at === undefined ? '' : instantText(step.at)),
    human: step => (step.at === undefined ? '–' : localTime(step.at)),
  },
  { key: 'detail', header: 'WHAT IS KNOWN', plain: detailOf, isFlexible: true },
]

export default class HistoryTrace extends BaseCommand {
  static override summary = 'follow one message from its writer to its reader'
  static override description =
    'When it was accepted, stored, routed, pushed, acknowledged, sent, delivered and read, as far as that was kept; what was not is said, too. The message is named by ' +
    'its id, or by its conversation and its number in it.'
  static override examples = [
    '<%= config.bin %> history trace c_01J9ZK4T7Q0000000000000000:7',
    '<%= config.bin %> history trace c_01J9ZK4T7Q0000000000000000 7',
    '<%= config.bin %> history trace user-42 7 --channel app',
  ]
  static override args = {
    message: argument({
      required: true,
      ignoreStdin: true,
      description: "id of the message, or what names its conversation: its id, channel/contact, or the contact's id",
    }),
    n: argument({ ignoreStdin: true, description: 'number of the message in its conversation' }),
  }
  static override flags = { channel: CHANNEL }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 16 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HistoryTrace)
    const request = requestOf(args.message, args.n, flags.channel)
    const control = await this.control()
    const trace = await control.call('history.trace', request)
    const { message, channel, contact, by, text, steps } = trace
    const facts: Fact[] = [
      ['message', message],
      ['contact', `${channel}/${contact}`],
      ['by', by.name ?? by.id ?? by.role],
      ['text', text],
    ]
    this.output.facts(facts)
    if (this.output.mode === 'human') this.output.raw('\n')
    await this.output.list(COLUMNS, steps)
    return trace
  }
}

function requestOf(message: string, n: string | undefined, channel: string | undefined): { ref: string; n: number } {
  if (n === undefined) {
    const place = channel === undefined ? parseMessageId(message) : undefined
    if (place !== undefined) return { ref: place.conversation, n: place.n }
    throw new KefuError('KEFU_USAGE', { reason: 'name a message by its id, or by its conversation and its number' })
  }
  if (/^[1-9]\d{0,14}$/.test(n)) return { ref: refOf(message, channel), n: Number(n) }
  throw new KefuError('KEFU_USAGE', { reason: `"${n.slice(0, 20)}" is not the number of a message` })
}

function detailOf({ detail, agent, reasons = [] }: Step): string {
  const who = agent === undefined ? '' : `${agent}: `
  return `${who}${detail}${reasons.length === 0 ? '' : ` (${reasons.join(' ')})`}`
}

function localTime(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${date.toTimeString().slice(0, 8)}.${String(at % 1_000).padStart(3, '0')}`
}
