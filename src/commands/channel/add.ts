import { string as argument } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { KINDS } from '../_cli/kinds.js'
import type { Fact } from '../_cli/output.js'
import { keepSecret } from '../_cli/secret-file.js'
import { channelFacts } from '../_cli/views.js'
import { localAddress, noteNextStep, platformFacts } from './_channel/platform.js'
import { SET_FLAG, settingsOf } from './_channel/settings.js'

export default class ChannelAdd extends BaseCommand {
  static override summary = 'add a channel'
  static override description =
    'A web channel takes visitors from pages of its origins (and from programs, which send no origin); its identity secret signs the ids of users ' +
    'that the site knows. An app channel takes one app server with its own contacts; its token is what the app connects with (kefu channel token makes another). ' +
    'Other kinds have a platform behind them (kefu channel kinds): the address for its callbacks is printed, with what still has to be given. ' +
    'Secrets are shown once. The same channel again is unchanged; another of the same name is a conflict. With --team its conversations wait for the agents of that team only.'
  static override examples = [
    '<%= config.bin %> channel add web shop --origin https://shop.example',
    '<%= config.bin %> channel add app backend --token-file backend.token',
    '<%= config.bin %> channel add wechat-mp main --set app-id=wx0123456789abcdef',
  ]
  static override args = {
    kind: argument({ required: true, ignoreStdin: true, options: [...KINDS], description: 'kind of channel' }),
    name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }),
  }
  static override flags = {
    origin: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
      summary: 'page origin that may connect (web; may be given more than once)',
    }),
    set: SET_FLAG,
    team: string({ helpValue: 'TEAM', summary: 'team that its conversations go to' }),
    'token-file': string({
      helpValue: 'FILE',
      summary: 'write the token (app) or identity secret (web) into a new file (0600) instead of showing it',
    }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelAdd)
    const kind = args.kind as RequestOf<'channel.add'>['kind']
    const control = await this.control()
    const request = {
      kind,
      name: args.name,
      origins: flags.origin ?? [],
      ...(flags.team === undefined ? {} : { team: flags.team }),
      ...(flags.set === undefined ? {} : { settings: settingsOf(flags.set) }),
    }
    const {
      token: secret,
      tokenFile,
      ...kept
    } = await keepSecret(flags['token-file'], async () => {
      const { token, identitySecret, ...rest } = await control.call('channel.add', request)
      return { ...rest, ...secretOf(token ?? identitySecret) }
    })
    const { channel, changed, platform } = kept
    const { output } = this
    output.line(changed ? `Added ${kind} channel ${channel.name}.` : `Channel ${channel.name} exists: unchanged.`)
    const facts: Fact[] = [...channelFacts(channel), ['result', changed ? 'added' : 'unchanged']]
    if (platform !== undefined) {
      facts.push(...platformFacts(platform), ['local callback', await localAddress(control, platform)])
      output.facts(facts)
      noteNextStep(output, channel.name, platform)
      return kept
    }
    const secretName = kind === 'app' ? 'token' : 'identity secret'
    if (secret !== undefined) facts.push([secretName, secret, `${secret}  (shown once)`])
    if (tokenFile !== undefined) facts.push([`${secretName} file`, tokenFile])
    output.facts(facts)
    const unused = changed ? undefined : flags['token-file']
    if (unused !== undefined) output.note(`No new ${secretName}, so ${unused} was not written.`)
    if (kind === 'web') output.note(`Next: kefu chat visitor --channel ${channel.name}`)
    else if (unused === undefined) output.note('Next: kefu channel list')
    else output.note(`Next: kefu channel token ${channel.name} --token-file ${unused}`)
    const shown = secret === undefined ? {} : kind === 'app' ? { token: secret } : { identitySecret: secret }
    return { ...kept, ...shown, ...(tokenFile === undefined ? {} : { tokenFile }) }
  }
}

function secretOf(secret: string | undefined): { readonly token?: string } {
  return secret === undefined ? {} : { token: secret }
}
