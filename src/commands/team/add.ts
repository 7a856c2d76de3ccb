import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { TEAM_FLAGS, teamSettings } from '../_cli/team-flags.js'
import { teamFacts } from '../_cli/views.js'

export default class TeamAdd extends BaseCommand {
  static override summary = 'add a team'
  static override description =
    'Conversations of channels that name the team wait in its line and go to its members only. Without --strategy the member with the fewest ' +
    'conversations gets the next one, without --hours it is always open. The same team again is unchanged; another of the same name is a conflict.'
  static override examples = [
    '<%= config.bin %> team add refunds --member xiaowang --member li',
    '<%= config.bin %> team add day --hours "Mon-Fri 09:00-18:00" --time-zone Asia/Shanghai',
    '<%= config.bin %> team add vip --overflow-to refunds --overflow-after 2m',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the team' }) }
  static override flags = TEAM_FLAGS
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(TeamAdd)
    const request = { name: args.name, ...teamSettings(flags) }
    const control = await this.control()
    const answer = await control.call('team.add', request)
    const { team, changed } = answer
    this.output.line(changed ? `Added team ${team.name}.` : `Team ${team.name} exists: unchanged.`)
    this.output.facts([...teamFacts(team), ['result', changed ? 'added' : 'unchanged']])
    if (team.members.length === 0) this.output.note(`Next: kefu team set ${team.name} --add-member AGENT`)
    else this.output.note(`Next: kefu channel set CHANNEL --team ${team.name}`)
    return answer
  }
}
