import { ListCommand, NAMED_SORTS, sortFlag } from '../_cli/list-command.js'
import { LIST_FLAGS } from '../_cli/listing.js'
import { HOOK_COLUMNS } from './_hook/views.js'

export default class HookList extends ListCommand {
  static override summary = 'list the outgoing webhooks'
  static override description = 'One line per hook: how it does, how many records it is behind, and its last error.'
  static override examples = [
    '<%= config.bin %> hook list',
    '<%= config.bin %> hook list --fields name,state,lag --plain',
  ]
  static override flags = { ...LIST_FLAGS, sort: sortFlag(NAMED_SORTS) }

  async run(): Promise<object> {
    const { flags } = await this.parse(HookList)
    return this.showPage(
      flags,
      HOOK_COLUMNS,
      (control, range) => control.call('hook.list', range),
      ({ hooks }) => hooks,
      'There are no hooks. Next: kefu hook add NAME URL',
    )
  }
}
