import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact } from '../_cli/output.js'
import { keepSecret } from '../_cli/secret-file.js'

export default class AgentToken extends BaseCommand {
  static override summary = 'make a new token for an agent and show it once'
  static override description =
    'Older tokens stay valid, so that a token can be changed without an interruption; --replace ends them.'
  static override examples = [
    '<%= config.bin %> agent token xiaowang --token-file new.token',
    '<%= config.bin %> agent token xiaowang --replace',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the agent' }) }
  static override flags = {
    replace: boolean({ default: false, summary: 'end all older tokens of the agent' }),
    'token-file': string({
      helpValue: 'FILE',
      summary: 'write the token into a new file (0600) instead of showing it',
    }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(AgentToken)
    const control = await this.control()
    const answer = await keepSecret(flags['token-file'], () =>
      control.call('agent.token', { name: args.name, replace: flags.replace }),
    )
    const { agent, token, tokenFile } = answer
    this.output.line(`${flags.replace ? 'Replaced the tokens' : 'Made a token'} of agent ${agent.name}.`)
    const facts: Fact[] = [['agent', agent.name]]
    if (token !== undefined) facts.push(['token', token, `${token}  (shown once)`])
    if (tokenFile !== undefined) facts.push(['token file', tokenFile])
    facts.push(['valid tokens', String(agent.tokens.length)])
    this.output.facts(facts)
    this.output.note(`Next: kefu chat agent --token-file ${tokenFile ?? 'FILE'}`)
    return answer
  }
}
