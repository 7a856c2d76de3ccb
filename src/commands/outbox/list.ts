import { option, string } from '@oclif/core/flags'
import { OUTBOX_STANDINGS } from '../../daemon/control/outbox-vocabulary.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { wordsOfOutbox } from '../_cli/words.js'
import { outboxColumns } from './_outbox/views.js'

export default class OutboxList extends BaseCommand {
  static override summary = 'list the messages that have to go out through platforms'
  static override description =
    'In the order in which they were written. A message is due, or retrying after an attempt that failed; parked until its contact writes again; unknown when nobody can tell whether it was sent; dead when it was given up. Messages of contacts on sockets (web, app) are never here.'
  static override examples = [
    '<%= config.bin %> outbox list',
    '<%= config.bin %> outbox list --channel wechat-main --state dead',
    '<%= config.bin %> outbox list --state dead --state unknown --fields id,reason',
    '<%= config.bin %> outbox list --json | jq .totals.dead',
  ]
  static override flags = {
    ...LIST_FLAGS,
    channel: string({ helpValue: 'NAME', summary: 'only of this channel; of a removed one, its number' }),
    state: option({
      options: OUTBOX_STANDINGS,
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'STATE',
      summary: 'only these: due, retrying, sending, parked, unknown, dead; may be repeated',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(OutboxList)
    const { limit, cursor, channel, state, fields } = flags
    const columns = (nowMs: number) => chosenColumns(outboxColumns(nowMs), fields)
    columns(0)
    const control = await this.control()
    const answer = await control.call('outbox.list', {
      limit,
      cursor,
      ...(channel === undefined ? {} : { channel }),
      ...(state === undefined ? {} : { states: state }),
    })
    this.output.line(`OUTBOX  ${wordsOfOutbox(answer.totals)}`)
    await this.output.list(columns(Date.now()), answer.messages)
    noteNext(this.output, answer.next)
    const dead = answer.messages.find(message => message.state === 'dead')
    if (dead !== undefined && answer.next === undefined)
      this.output.note(`Next: kefu outbox retry ${dead.id}, or kefu outbox drop`)
    return answer
  }
}
