import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { teamFacts } from '../_cli/views.js'

export default class TeamShow extends BaseCommand {
  static override summary = 'show a team'
  static override description = 'Its members, hours and holidays, where it overflows to, and what it promises.'
  static override examples = ['<%= config.bin %> team show refunds']
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the team' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(TeamShow)
    const control = await this.control()
    const answer = await control.call('team.show', { name: args.name })
    this.output.facts(teamFacts(answer.team))
    return answer
  }
}
