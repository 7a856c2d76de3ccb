import { ListCommand, NAMED_SORTS, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { CHANNEL_COLUMNS } from '../_cli/views.js'

export default class ChannelList extends ListCommand {
  static override summary = 'list the channels'
  static override description = 'One line per channel, by name.'
  static override examples = ['<%= config.bin %> channel list', '<%= config.bin %> channel list --sort number --json']
  static override flags = { ...LIST_FLAGS, sort: sortFlag([...NAMED_SORTS, 'number', '-number']) }

  async run(): Promise<object> {
    const { flags } = await this.parse(ChannelList)
    return this.showPage(
      flags,
      CHANNEL_COLUMNS,
      (control, range) => control.call('channel.list', range),
      ({ channels }) => channels,
      'There are no channels. Next: kefu channel add web NAME',
    )
  }
}
