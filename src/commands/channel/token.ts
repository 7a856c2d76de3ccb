import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact } from '../_cli/output.js'
import { keepSecret } from '../_cli/secret-file.js'

export default class ChannelToken extends BaseCommand {
  static override summary = 'make a new token for an app channel and show it once'
  static override description =
    'Older tokens stay valid, so that a token can be changed without an interruption; --replace ends them, and closes the connections of the channel. ' +
    'kefu channel show NAME lists the fingerprints of those that are valid.'
  static override examples = [
    '<%= config.bin %> channel token backend --token-file new.token',
    '<%= config.bin %> channel token backend --replace',
  ]
  static override args = {
    name: argument({ required: true, ignoreStdin: true, description: 'name of the app channel' }),
  }
  static override flags = {
    replace: boolean({ default: false, summary: 'end all older tokens of the channel' }),
    'token-file': string({
      helpValue: 'FILE',
      summary: 'write the token into a new file (0600) instead of showing it',
    }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelToken)
    const control = await this.control()
    const answer = await keepSecret(flags['token-file'], () =>
      control.call('channel.token', { name: args.name, replace: flags.replace }),
    )
    const { channel, token, tokenFile } = answer
    this.output.line(`${flags.replace ? 'Replaced the tokens' : 'Made a token'} of channel ${channel.name}.`)
    const facts: Fact[] = [['channel', channel.name]]
    if (token !== undefined) facts.push(['token', token, `${token}  (shown once)`])
    if (tokenFile !== undefined) facts.push(['token file', tokenFile])
    facts.push(['valid tokens', String(channel.tokens.length)])
    this.output.facts(facts)
    this.output.note(`Next: kefu channel show ${channel.name}`)
    return answer
  }
}
