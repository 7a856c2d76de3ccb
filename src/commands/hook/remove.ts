import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'
import { HOOK } from './_hook/views.js'

export default class HookRemove extends BaseCommand {
  static override summary = 'remove a hook'
  static override description = 'With its secret and its dead letters. What it has not delivered yet is not delivered.'
  static override examples = ['<%= config.bin %> hook remove crm', '<%= config.bin %> hook remove crm --yes']
  static override args = { name: HOOK }
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookRemove)
    const control = await this.control()
    const { hook } = await control.call('hook.show', { name: args.name })
    const behind = wordsOfCount(hook.lag, 'record')
    const dead = wordsOfCount(hook.dead, 'dead letter')
    if (!(await this.confirmRemoval(`Remove hook ${hook.name} (${behind} behind, ${dead})?`, flags.yes)))
      return { hook, changed: false }
    const answer = await control.call('hook.remove', { name: hook.name })
    this.output.line(`Removed hook ${hook.name}.`)
    this.output.facts([
      ['hook', hook.name],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu hook list')
    return answer
  }
}
