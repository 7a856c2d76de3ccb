import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { channelFacts } from '../_cli/views.js'
import { noteNextStep, platformFacts } from './_channel/platform.js'

export default class ChannelShow extends BaseCommand {
  static override summary = 'show a channel'
  static override description =
    'Secrets are not shown; they were, once, when the channel was added, or are in the vault (kefu credential list). Of a channel behind a platform: the address for its callbacks, and what it still lacks.'
  static override examples = ['<%= config.bin %> channel show shop']
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(ChannelShow)
    const control = await this.control()
    const answer = await control.call('channel.show', { name: args.name })
    const { channel, platform } = answer
    this.output.facts([...channelFacts(channel), ...(platform === undefined ? [] : platformFacts(platform))])
    if (platform !== undefined) noteNextStep(this.output, channel.name, platform)
    return answer
  }
}
