import { ListCommand, NAMED_SORTS, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { AGENT_COLUMNS } from '../_cli/views.js'

export default class AgentList extends ListCommand {
  static override summary = 'list the agents'
  static override description = 'One line per agent, by name.'
  static override examples = [
    '<%= config.bin %> agent list',
    '<%= config.bin %> agent list --sort -created --limit 10',
    '<%= config.bin %> agent list --fields name --plain',
  ]
  static override flags = { ...LIST_FLAGS, sort: sortFlag(NAMED_SORTS) }

  async run(): Promise<object> {
    const { flags } = await this.parse(AgentList)
    return this.showPage(
      flags,
      AGENT_COLUMNS,
      (control, range) => control.call('agent.list', range),
      ({ agents }) => agents,
      'There are no agents. Next: kefu agent add NAME',
    )
  }
}
