import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { ListCommand, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { DEAD_COLUMNS, HOOK } from './_hook/views.js'

export default class HookDead extends ListCommand {
  static override summary = 'list what a hook has given up on'
  static override description =
    'One line per dead letter, in the order of the log: a record that the endpoint did not take while it took others. At 1,000 of them the hook stops.'
  static override examples = ['<%= config.bin %> hook dead crm', '<%= config.bin %> hook dead crm --fields seq --plain']
  static override args = { name: HOOK }
  static override flags = { ...LIST_FLAGS, sort: sortFlag(['seq', '-seq'] as const) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookDead)
    const { name } = args
    const answer = await this.showPage(
      flags,
      DEAD_COLUMNS,
      (control, range) => control.call('hook.dead', { name, ...range }),
      ({ letters }) => letters,
      `Hook ${name} has no dead letters.`,
    )
    if (answer.letters.length > 0)
      this.output.note(`Next: kefu hook resend ${name} --all, or kefu hook forget ${name} SEQ`)
    return answer
  }
}
