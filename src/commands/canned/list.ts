import { ListCommand, NAMED_SORTS, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { CANNED_COLUMNS, warnOfRemovedTeams } from './_canned/views.js'

export default class CannedList extends ListCommand {
  static override summary = 'list the canned replies'
  static override description = 'One line per reply, by shortcut, with the beginning of its first text.'
  static override examples = [
    '<%= config.bin %> canned list',
    '<%= config.bin %> canned list --fields shortcut,team --plain',
  ]
  static override flags = { ...LIST_FLAGS, sort: sortFlag(NAMED_SORTS) }

  async run(): Promise<object> {
    const { flags } = await this.parse(CannedList)
    const answer = await this.showPage(
      flags,
      CANNED_COLUMNS,
      (control, range) => control.call('canned.list', range),
      ({ replies }) => replies,
      'There are no canned replies. Next: kefu canned add SHORTCUT TEXT',
    )
    warnOfRemovedTeams(this.output, answer.replies)
    return answer
  }
}
