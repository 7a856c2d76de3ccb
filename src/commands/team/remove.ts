import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'

export default class TeamRemove extends BaseCommand {
  static override summary = 'remove a team to which nothing is sent any more'
  static override description =
    'Its agents stay. Conversations that wait in its line go to whoever is free. A team that a channel or the overflow of another team names is kept.'
  static override examples = ['<%= config.bin %> team remove refunds', '<%= config.bin %> team remove refunds --yes']
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the team' }) }
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(TeamRemove)
    const control = await this.control()
    const { team } = await control.call('team.show', { name: args.name })
    const members = wordsOfCount(team.members.length, 'member')
    if (!(await this.confirmRemoval(`Remove team ${team.name} (${members})?`, flags.yes)))
      return { team, changed: false }
    const answer = await control.call('team.remove', { name: team.name })
    this.output.line(`Removed team ${team.name}.`)
    this.output.facts([
      ['team', team.name],
      ['id', team.id],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu team list')
    return answer
  }
}
