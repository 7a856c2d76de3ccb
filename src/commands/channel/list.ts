import { option } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { CHANNEL_COLUMNS } from '../_cli/views.js'

export default class ChannelList extends BaseCommand {
  static override summary = 'list the channels'
  static override description = 'One line per channel, by name.'
  static override examples = ['<%= config.bin %> channel list', '<%= config.bin %> channel list --sort number --json']
  static override flags = {
    ...LIST_FLAGS,
    sort: option({
      options: ['name', '-name', 'number', '-number', 'created', '-created'] as const,
      helpValue: 'FIELD',
      summary: 'order; with - in front, descending',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  async run(): Promise<object> {
    const { flags } = await this.parse(ChannelList)
    const columns = chosenColumns(CHANNEL_COLUMNS, flags.fields)
    const { limit, cursor, sort } = flags
    const control = await this.control()
    const answer = await control.call('channel.list', { limit, cursor, sort })
    await this.output.list(columns, answer.channels)
    if (answer.channels.length === 0) this.output.note('There are no channels. Next: kefu channel add web NAME')
    noteNext(this.output, answer.next)
    return answer
  }
}
