import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { channelFacts } from '../_cli/views.js'

export default class ChannelSet extends BaseCommand {
  static override summary = 'change the origins of a web channel'
  static override description =
    'The origins given replace those that the channel had. Its number, its visitors and their conversations stay.'
  static override examples = [
    '<%= config.bin %> channel set shop --origin https://a.example --origin https://b.example',
    '<%= config.bin %> channel set shop --no-origin',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override flags = {
    origin: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
      summary: 'page origin that may connect (web; may be given more than once)',
    }),
    'no-origin': boolean({ summary: 'no page may connect, only programs', exclusive: ['origin'] }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelSet)
    if (flags.origin === undefined && !flags['no-origin'])
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give --origin or --no-origin' })
    const control = await this.control()
    const answer = await control.call('channel.set', { name: args.name, origins: flags.origin ?? [] })
    const { channel, changed } = answer
    this.output.line(changed ? `Changed channel ${channel.name}.` : `Channel ${channel.name} is unchanged.`)
    this.output.facts([...channelFacts(channel), ['result', changed ? 'changed' : 'unchanged']])
    this.output.note(`Next: kefu channel show ${channel.name}`)
    return answer
  }
}
