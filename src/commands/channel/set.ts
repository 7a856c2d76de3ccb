import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { channelFacts } from '../_cli/views.js'

export default class ChannelSet extends BaseCommand {
  static override summary = 'change the origins of a web channel, or the team of any'
  static override description =
    'The origins given replace those that the channel had. Its number, its visitors and their conversations stay. ' +
    'Another team is for new conversations; those that were sent to a team before stay with it until they are closed.'
  static override examples = [
    '<%= config.bin %> channel set shop --origin https://a.example --origin https://b.example',
    '<%= config.bin %> channel set shop --no-origin',
    '<%= config.bin %> channel set shop --team refunds',
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
    team: string({ helpValue: 'TEAM', summary: 'team that its conversations go to' }),
    'no-team': boolean({ summary: 'its conversations go to whoever is free', exclusive: ['team'] }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelSet)
    const change = given<Omit<RequestOf<'channel.set'>, 'name'>>({
      origins: flags['no-origin'] ? [] : flags.origin,
      team: flags['no-team'] ? null : flags.team,
    })
    if (isEmpty(change))
      throw new KefuError('KEFU_USAGE', {
        reason: 'there is nothing to change: give --origin, --no-origin, --team or --no-team',
      })
    const control = await this.control()
    const answer = await control.call('channel.set', { name: args.name, ...change })
    const { channel, changed } = answer
    this.output.line(changed ? `Changed channel ${channel.name}.` : `Channel ${channel.name} is unchanged.`)
    this.output.facts([...channelFacts(channel), ['result', changed ? 'changed' : 'unchanged']])
    this.output.note(`Next: kefu channel show ${channel.name}`)
    return answer
  }
}
