import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { wordsOfCount } from '../_cli/words.js'
import { givenSeqs } from './_hook/seqs.js'
import { HOOK } from './_hook/views.js'

export default class HookForget extends BaseCommand {
  static override summary = 'remove dead letters of a hook'
  static override description = 'They are not delivered any more. The records themselves stay in their conversations.'
  static override examples = [
    '<%= config.bin %> hook forget crm 18402',
    '<%= config.bin %> hook forget crm --all --yes',
  ]
  static override args = {
    name: HOOK,
    seqs: argument({
      multiple: true,
      ignoreStdin: true,
      description: 'SEQ of dead letters, as kefu hook dead shows them',
    }),
  }
  static override flags = {
    all: boolean({ summary: 'all of its dead letters' }),
    yes: boolean({ char: 'y', summary: 'do not ask' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookForget)
    const { name } = args
    const seqs = givenSeqs(args.seqs, flags.all)
    const control = await this.control()
    const { hook } = await control.call('hook.show', { name })
    const which =
      seqs === undefined ? `all ${wordsOfCount(hook.dead, 'dead letter')}` : wordsOfCount(seqs.length, 'dead letter')
    if (!(await this.confirmRemoval(`Remove ${which} of hook ${hook.name}?`, flags.yes))) return { forgotten: 0 }
    const answer = await control.call('hook.forget', { name, ...(seqs === undefined ? {} : { seqs }) })
    this.output.line(`Removed ${wordsOfCount(answer.forgotten, 'dead letter')} of hook ${hook.name}.`)
    this.output.facts([
      ['hook', hook.name],
      ['removed', String(answer.forgotten)],
    ])
    this.output.note(`Next: kefu hook show ${hook.name}`)
    return answer
  }
}
