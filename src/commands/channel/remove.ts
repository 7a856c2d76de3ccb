import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'

export default class ChannelRemove extends BaseCommand {
  static override summary = 'remove a channel; its conversations stay'
  static override description =
    'Nobody can connect through it any more. Its number is never given out again: a new channel of the same name has other visitors.'
  static override examples = ['<%= config.bin %> channel remove shop', '<%= config.bin %> channel remove shop --yes']
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelRemove)
    const control = await this.control()
    const { channel } = await control.call('channel.show', { name: args.name })
    if (!(await this.confirmRemoval(`Remove ${channel.kind} channel ${channel.name}?`, flags.yes)))
      return { channel, changed: false }
    const answer = await control.call('channel.remove', { name: channel.name })
    this.output.line(`Removed channel ${channel.name}.`)
    this.output.facts([
      ['channel', channel.name],
      ['number', String(channel.number)],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu channel list')
    return answer
  }
}
