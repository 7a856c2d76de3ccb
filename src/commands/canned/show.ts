import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { cannedFacts, SHORTCUT, warnOfRemovedTeams } from './_canned/views.js'

export default class CannedShow extends BaseCommand {
  static override summary = 'show a canned reply'
  static override description = 'Its texts by language, and the team whose members are offered it.'
  static override examples = ['<%= config.bin %> canned show hi']
  static override args = { shortcut: SHORTCUT }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(CannedShow)
    const control = await this.control()
    const answer = await control.call('canned.show', { name: args.shortcut })
    this.output.facts(cannedFacts(answer.reply))
    warnOfRemovedTeams(this.output, [answer.reply])
    return answer
  }
}
