import { string as argument } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact } from '../_cli/output.js'
import { keepSecret } from '../_cli/secret-file.js'

export default class AgentAdd extends BaseCommand {
  static override summary = 'add an agent and show its token once'
  static override description =
    'The token is what the agent connects with. It is stored only as a digest, so it cannot be shown again; kefu agent token NAME makes another. ' +
    'An agent of this name that exists already stays as it is, without a new token.'
  static override examples = [
    '<%= config.bin %> agent add xiaowang',
    '<%= config.bin %> agent add xiaowang --token-file xiaowang.token',
    '<%= config.bin %> agent add xiaowang --json',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the agent' }) }
  static override flags = {
    'token-file': string({
      helpValue: 'FILE',
      summary: 'write the token into a new file (0600) instead of showing it',
    }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(AgentAdd)
    const control = await this.control()
    const answer = await keepSecret(flags['token-file'], () => control.call('agent.add', { name: args.name }))
    const { agent, changed, token, tokenFile } = answer
    const { output } = this
    output.line(changed ? `Added agent ${agent.name}.` : `Agent ${agent.name} exists: unchanged.`)
    const facts: Fact[] = [
      ['agent', agent.name],
      ['id', agent.id],
      ['result', changed ? 'added' : 'unchanged'],
    ]
    if (token !== undefined) facts.push(['token', token, `${token}  (shown once)`])
    if (tokenFile !== undefined) facts.push(['token file', tokenFile])
    output.facts(facts)
    const unused = changed ? undefined : flags['token-file']
    if (changed) output.note(`Next: kefu chat agent --token-file ${tokenFile ?? 'FILE'}`)
    else if (unused === undefined) output.note(`Next: kefu agent token ${agent.name}`)
    else
      output.note(
        `No new token, so ${unused} was not written. Next: kefu agent token ${agent.name} --token-file ${unused}`,
      )
    return answer
  }
}
