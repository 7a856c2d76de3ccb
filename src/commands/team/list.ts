import { ListCommand, NAMED_SORTS, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { TEAM_COLUMNS } from '../_cli/views.js'

export default class TeamList extends ListCommand {
  static override summary = 'list the teams'
  static override description = 'One line per team, by name.'
  static override examples = [
    '<%= config.bin %> team list',
    '<%= config.bin %> team list --fields name,members --plain',
  ]
  static override flags = { ...LIST_FLAGS, sort: sortFlag(NAMED_SORTS) }

  async run(): Promise<object> {
    const { flags } = await this.parse(TeamList)
    return this.showPage(
      flags,
      TEAM_COLUMNS,
      (control, range) => control.call('team.list', range),
      ({ teams }) => teams,
      'There are no teams. Next: kefu team add NAME',
    )
  }
}
