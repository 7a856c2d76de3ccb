import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'
import { CHANNEL, refOf } from './_history/conversation-args.js'

export default class HistoryForget extends BaseCommand {
  static override summary = 'remove what was said in a conversation, and who the contact was, for good'
  static override description =
    'Messages, notes, names and files go from the log, the media and the outbox, and from the files of the store; that something was said, by whom of ' +
    'your agents, and when, stays. Without --yes it tells what would go, and asks; where nobody can be asked, nothing goes. It cannot be undone. ' +
    'The receipt names the conversation and no contact. What was handed on before, to hooks, platforms, exports and copies of the data, is not reached.'
  static override examples = [
    '<%= config.bin %> history forget --contact user-42 --channel app',
    '<%= config.bin %> history forget --conversation app/user-42 --yes --json',
  ]
  static override flags = {
    contact: string({ helpValue: 'ID', summary: "the contact's id on --channel", exclusive: ['conversation'] }),
    channel: CHANNEL,
    conversation: string({ helpValue: 'ID', summary: 'the conversation, as its id or channel/contact' }),
    yes: boolean({ char: 'y', summary: 'do not ask' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(HistoryForget)
    const ref = refOfFlags(flags)
    const control = await this.control()
    const { holdings, others } = await control.call('history.info', { ref })
    const { conversation, channel, records, messages, mediaFiles, mediaBytes, outbox } = holdings
    this.output.facts([
      ['conversation', conversation],
      ['channel', channel],
      ['records', String(records)],
      ['messages', String(messages)],
      ['files', `${mediaFiles} (${mediaBytes} bytes)`],
      ['outbox', String(outbox)],
    ])
    for (const other of others)
      this.output.note(`The same person has ${other.conversation} on ${other.channel}, which stays.`)
    if (!flags.yes && !this.mayAsk) {
      this.output.note('Nothing was forgotten. With --yes it is.')
      return { holdings, others, changed: false }
    }
    if (!(await this.confirmRemoval(`Forget ${wordsOfCount(records, 'record')} for good?`, flags.yes)))
      return { holdings, others, changed: false }
    const { receipt } = await control.call('history.forget', { ref: conversation })
    this.output.line(`Forgot ${wordsOfCount(receipt.records, 'record')} of ${conversation}.`)
    this.output.facts([
      ['forgotten', String(receipt.records)],
      ['up to', `n ${receipt.upTo}, seq ${receipt.seq}`],
      ['begun', new Date(receipt.at).toISOString()],
      ['sha256', receipt.sha256],
    ])
    return { receipt, others, changed: true }
  }
}

/** Throws `KEFU_USAGE`. */
function refOfFlags(flags: {
  readonly contact: string | undefined
  readonly channel: string | undefined
  readonly conversation: string | undefined
}): string {
  const { contact, channel, conversation } = flags
  if (conversation !== undefined) return refOf(conversation, channel)
  if (contact === undefined)
    throw new KefuError('KEFU_USAGE', { reason: 'give --conversation, or --contact and --channel' })
  if (channel === undefined) throw new KefuError('KEFU_USAGE', { reason: '--contact goes with --channel' })
  return `${channel}/${contact}`
}
