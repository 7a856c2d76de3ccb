import { option } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { TEAM_COLUMNS } from '../_cli/views.js'

export default class TeamList extends BaseCommand {
  static override summary = 'list the teams'
  static override description = 'One line per team, by name.'
  static override examples = [
    '<%= config.bin %> team list',
    '<%= config.bin %> team list --fields name,members --plain',
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
    const { flags } = await this.parse(TeamList)
    const columns = chosenColumns(TEAM_COLUMNS, flags.fields)
    const { limit, cursor, sort } = flags
    const control = await this.control()
    const answer = await control.call('team.list', { limit, cursor, sort })
    await this.output.list(columns, answer.teams)
    if (answer.teams.length === 0) this.output.note('There are no teams. Next: kefu team add NAME')
    noteNext(this.output, answer.next)
    return answer
  }
}
