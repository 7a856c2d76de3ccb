import { boolean, option, string } from '@oclif/core/flags'
import { OUTBOX_STANDINGS } from '../../daemon/control/outbox-vocabulary.js'
import type { ExitCode } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'
import { MESSAGES, OutboxCommand } from './_outbox/outbox-command.js'

export default class OutboxDrop extends OutboxCommand {
  static override summary = 'give messages up for good'
  static override description =
    'They are not sent any more, and those behind them go; in the conversation they stay as they are. A message that is being sent cannot be dropped.'
  static override examples = [
    '<%= config.bin %> outbox drop c_01J9ZK4T7Q0000000000000000:12',
    '<%= config.bin %> outbox drop --all --channel wechat-main --state dead --yes',
  ]
  static override args = { messages: MESSAGES }
  static override flags = {
    all: boolean({ summary: 'every dead message, or those of --state and --channel' }),
    channel: string({ helpValue: 'NAME', summary: 'with --all: only of this channel; of a removed one, its number' }),
    state: option({
      options: OUTBOX_STANDINGS.filter(state => state !== 'sending'),
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'STATE',
      summary: 'with --all: dead (unless told otherwise), unknown, parked, retrying, due; may be repeated',
    })(),
    yes: boolean({ char: 'y', summary: 'do not ask' }),
  }
  static override exitCodes: readonly ExitCode[] = [...OutboxCommand.exitCodes, 130]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(OutboxDrop)
    const { all: isAll = false, channel, state = [] } = flags
    const selection = { ids: args.messages ?? [], isAll, channel, states: state }
    this.checked(selection)
    const wanted = { ...selection, states: state.length > 0 ? state : (['dead'] as const) }
    const control = await this.control()
    const count = await this.countOf(control, wanted)
    const question = `Give up ${wordsOfCount(count, 'message')}? Their contacts never get them.`
    if (count > 0 && !(await this.confirmRemoval(question, flags.yes))) return { messages: [], changed: 0, failed: 0 }
    return this.carryOut(control, wanted, 'dropped', messages => control.call('outbox.drop', { messages }))
  }
}
