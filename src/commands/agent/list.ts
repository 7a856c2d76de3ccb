import { option } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { AGENT_COLUMNS } from '../_cli/views.js'

export default class AgentList extends BaseCommand {
  static override summary = 'list the agents'
  static override description = 'One line per agent, by name.'
  static override examples = [
    '<%= config.bin %> agent list',
    '<%= config.bin %> agent list --sort -created --limit 10',
    '<%= config.bin %> agent list --fields name --plain',
  ]
  static override flags = {
    ...LIST_FLAGS,
    sort: option({
      options: ['name', '-name', 'created', '-created'] as const,
      helpValue: 'FIELD',
      summary: 'order; with - in front, descending',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  async run(): Promise<object> {
    const { flags } = await this.parse(AgentList)
    const columns = chosenColumns(AGENT_COLUMNS, flags.fields)
    const { limit, cursor, sort } = flags
    const control = await this.control()
    const answer = await control.call('agent.list', { limit, cursor, sort })
    await this.output.list(columns, answer.agents)
    if (answer.agents.length === 0) this.output.note('There are no agents. Next: kefu agent add NAME')
    noteNext(this.output, answer.next)
    return answer
  }
}
