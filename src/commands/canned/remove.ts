import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'
import { SHORTCUT } from './_canned/views.js'

export default class CannedRemove extends BaseCommand {
  static override summary = 'remove a canned reply'
  static override description = 'With all of its texts. What was sent with it stays as it is.'
  static override examples = ['<%= config.bin %> canned remove hi', '<%= config.bin %> canned remove hi --yes']
  static override args = { shortcut: SHORTCUT }
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CannedRemove)
    const control = await this.control()
    const { reply } = await control.call('canned.show', { name: args.shortcut })
    const texts = wordsOfCount(Object.keys(reply.texts).length, 'text')
    if (!(await this.confirmRemoval(`Remove canned reply ${reply.name} (${texts})?`, flags.yes)))
      return { reply, changed: false }
    const answer = await control.call('canned.remove', { name: reply.name })
    this.output.line(`Removed canned reply ${reply.name}.`)
    this.output.facts([
      ['shortcut', reply.name],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu canned list')
    return answer
  }
}
