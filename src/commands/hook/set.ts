import { boolean, string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { SCOPE_FLAGS } from './_hook/flags.js'
import { HOOK, hookFacts } from './_hook/views.js'

export default class HookSet extends BaseCommand {
  static override summary = 'change a hook, switch it off, or let it go on'
  static override description =
    'What is not named stays. --event and --channel replace those before. A hook that is switched off stays where it stands: when it goes on, it delivers what has come since. ' +
    'Its secret is changed with kefu credential rotate hook/NAME secret.'
  static override examples = [
    '<%= config.bin %> hook set crm --url https://crm.example/kefu/2',
    '<%= config.bin %> hook set crm --event message --event closed --all-channels',
    '<%= config.bin %> hook set crm --disable',
    '<%= config.bin %> hook set crm --enable',
  ]
  static override args = { name: HOOK }
  static override flags = {
    url: string({ helpValue: 'URL', summary: 'where it is called' }),
    ...SCOPE_FLAGS,
    'all-events': boolean({ summary: 'tell it of every type of record', exclusive: ['event'] }),
    'all-channels': boolean({ summary: 'tell it of every channel', exclusive: ['channel'] }),
    disable: boolean({ summary: 'deliver nothing for now' }),
    enable: boolean({ summary: 'go on delivering', exclusive: ['disable'] }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookSet)
    const change = given<Omit<RequestOf<'hook.set'>, 'name'>>({
      url: flags.url,
      events: flags['all-events'] ? null : flags.event,
      channels: flags['all-channels'] ? null : flags.channel,
      enabled: flags.disable ? false : flags.enable || undefined,
    })
    if (isEmpty(change))
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give a flag (--help lists them)' })
    const control = await this.control()
    const answer = await control.call('hook.set', { name: args.name, ...change })
    const { hook, changed } = answer
    this.output.line(changed ? `Changed hook ${hook.name}.` : `Hook ${hook.name} is unchanged.`)
    this.output.facts([...hookFacts(hook), ['result', changed ? 'changed' : 'unchanged']])
    this.output.note(`Next: kefu hook show ${hook.name}`)
    return answer
  }
}
