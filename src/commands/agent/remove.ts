import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'

export default class AgentRemove extends BaseCommand {
  static override summary = 'remove an agent and end its tokens'
  static override description =
    'What the agent wrote stays in the conversations. A new agent of the same name is another agent.'
  static override examples = [
    '<%= config.bin %> agent remove xiaowang',
    '<%= config.bin %> agent remove xiaowang --yes',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the agent' }) }
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(AgentRemove)
    const control = await this.control()
    const { agent } = await control.call('agent.show', { name: args.name })
    const tokens = wordsOfCount(agent.tokens.length, 'valid token')
    if (!(await this.confirmRemoval(`Remove agent ${agent.name} (${tokens})?`, flags.yes)))
      return { agent, changed: false }
    const answer = await control.call('agent.remove', { name: agent.name })
    this.output.line(`Removed agent ${agent.name}.`)
    this.output.facts([
      ['agent', agent.name],
      ['id', agent.id],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu agent list')
    return answer
  }
}
