import { option } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { CANNED_COLUMNS, warnOfRemovedTeams } from './_canned/views.js'

export default class CannedList extends BaseCommand {
  static override summary = 'list the canned replies'
  static override description = 'One line per reply, by shortcut, with the beginning of its first text.'
  static override examples = [
    '<%= config.bin %> canned list',
    '<%= config.bin %> canned list --fields shortcut,team --plain',
  ]
  static override flags = {
    ...LIST_FLAGS,
    sort: option({
      options: ['name', '-name', 'created', '-created'] as const,
      helpValue: 'FIELD',
      summary: 'order; with - in front, descending',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  async run(): Promise<object> {
    const { flags } = await this.parse(CannedList)
    const columns = chosenColumns(CANNED_COLUMNS, flags.fields)
    const { limit, cursor, sort } = flags
    const control = await this.control()
    const answer = await control.call('canned.list', { limit, cursor, sort })
    await this.output.list(columns, answer.replies)
    if (answer.replies.length === 0)
      this.output.note('There are no canned replies. Next: kefu canned add SHORTCUT TEXT')
    warnOfRemovedTeams(this.output, answer.replies)
    noteNext(this.output, answer.next)
    return answer
  }
}
