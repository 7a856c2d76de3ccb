import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given } from '../_cli/given.js'
import type { Fact } from '../_cli/output.js'
import { keepSecret } from '../_cli/secret-file.js'
import { givenText } from '../_cli/text-input.js'
import { SCOPE_FLAGS } from './_hook/flags.js'
import { HOOK, hookFacts } from './_hook/views.js'

export default class HookAdd extends BaseCommand {
  static override summary = 'add an outgoing webhook and show its secret once'
  static override description =
    'kefu then calls the URL for every record from now on, in order per conversation, each at least once, signed as Standard Webhooks describes (docs/hooks.md). The secret is ' +
    'made and shown once, or yours is read from --stdin: whsec_ and 24 to 64 bytes in base64. The same hook again is unchanged.'
  static override examples = [
    '<%= config.bin %> hook add crm https://crm.example/kefu',
    '<%= config.bin %> hook add ratings https://bi.example/in --event rated --event closed',
    '<%= config.bin %> hook add crm https://crm.example/kefu --secret-file crm.secret',
    '<%= config.bin %> hook add crm https://crm.example/kefu --stdin <crm.secret',
  ]
  static override args = {
    name: HOOK,
    url: argument({ required: true, ignoreStdin: true, description: 'where it is called' }),
  }
  static override flags = {
    ...SCOPE_FLAGS,
    'secret-file': string({
      helpValue: 'FILE',
      exclusive: ['stdin'],
      summary: 'write the secret into a new file (0600) instead of showing it',
    }),
    stdin: boolean({ summary: 'take your own secret from standard input' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookAdd)
    const own = (await givenText({ argument: undefined, stdin: flags.stdin }))?.trim()
    const control = await this.control()
    const scope = given<Pick<RequestOf<'hook.add'>, 'events' | 'channels' | 'secret'>>({
      events: flags.event,
      channels: flags.channel,
      secret: own,
    })
    const {
      token: secret,
      tokenFile,
      ...answer
    } = await keepSecret(flags['secret-file'], async () => {
      const { secret: made, ...rest } = await control.call('hook.add', { name: args.name, url: args.url, ...scope })
      return { ...rest, ...(made === undefined ? {} : { token: made }) }
    })
    const { hook, changed } = answer
    const { output } = this
    output.line(changed ? `Added hook ${hook.name}.` : `Hook ${hook.name} exists: unchanged.`)
    const facts: Fact[] = [...hookFacts(hook), ['result', changed ? 'added' : 'unchanged']]
    if (secret !== undefined) facts.push(['secret', secret, `${secret}  (shown once)`])
    if (tokenFile !== undefined) facts.push(['secret file', tokenFile])
    output.facts(facts)
    const unused = tokenFile === undefined ? flags['secret-file'] : undefined
    if (unused !== undefined) output.note(`No new secret, so ${unused} was not written.`)
    output.note(`Next: kefu hook test ${hook.name}`)
    return { ...answer, ...(secret === undefined ? {} : { secret }), ...(tokenFile === undefined ? {} : { tokenFile }) }
  }
}
