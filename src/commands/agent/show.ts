import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { agentFacts } from '../_cli/views.js'

export default class AgentShow extends BaseCommand {
  static override summary = 'show an agent'
  static override description = 'Tokens are shown by the beginning of their SHA-256 digest; they are not stored.'
  static override examples = ['<%= config.bin %> agent show xiaowang']
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the agent' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(AgentShow)
    const control = await this.control()
    const answer = await control.call('agent.show', { name: args.name })
    this.output.facts(agentFacts(answer.agent))
    return answer
  }
}
