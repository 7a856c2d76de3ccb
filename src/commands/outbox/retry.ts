import { boolean, option, string } from '@oclif/core/flags'
import { MESSAGES, OutboxCommand } from './_outbox/outbox-command.js'

export default class OutboxRetry extends OutboxCommand {
  static override summary = 'have messages that were given up tried again'
  static override description =
    'Each goes before those of its conversation that still wait; what was written later and has gone is not sent again. A message of which nobody knows whether it was sent may then arrive twice: it is tried again only with --unknown, or with --all --state unknown.'
  static override examples = [
    '<%= config.bin %> outbox retry c_01J9ZK4T7Q0000000000000000:12',
    '<%= config.bin %> outbox retry --all --channel wechat-main',
    '<%= config.bin %> outbox retry c_01J9ZK4T7Q0000000000000000:12 --unknown',
  ]
  static override args = { messages: MESSAGES }
  static override flags = {
    all: boolean({ summary: 'every dead message, or those of --state and --channel' }),
    channel: string({ helpValue: 'NAME', summary: 'with --all: only of this channel' }),
    state: option({
      options: ['dead', 'unknown'] as const,
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'STATE',
      summary: 'with --all: dead (unless told otherwise), unknown; may be repeated',
    })(),
    unknown: boolean({ summary: 'also those that may have been sent: they may arrive twice' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(OutboxRetry)
    const { all: isAll = false, channel, state = [] } = flags
    const selection = { ids: args.messages ?? [], isAll, channel, states: state }
    this.checked(selection)
    const states = state.length > 0 ? state : (['dead'] as const)
    const mayRepeat = (flags.unknown ?? false) || state.includes('unknown')
    const control = await this.control()
    return this.carryOut(control, { ...selection, states }, 'queued', messages =>
      control.call('outbox.retry', { messages, mayRepeat }),
    )
  }
}
