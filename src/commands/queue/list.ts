import { boolean, option, string } from '@oclif/core/flags'
import { PRIORITIES } from '../../codec/wire-commands.js'
import { QUEUE_STATES } from '../../daemon/control/queue-vocabulary.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { durationFlag } from '../_cli/global-flags.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { queueColumns, totalsLine } from './_queue/views.js'
import { watchQueue } from './_queue/watch.js'

export default class QueueList extends BaseCommand {
  static override summary = 'list the conversations that wait, or watch them'
  static override description =
    'In the order of their turns: the more urgent first, then who waits longest. With -w the list is drawn again and again at a terminal (q quits); otherwise it tells what changes: one line per conversation that begins to wait, is assigned or leaves.'
  static override examples = [
    '<%= config.bin %> queue list',
    '<%= config.bin %> queue list -w --interval 1s',
    '<%= config.bin %> queue list --state active --agent xiaowang',
    '<%= config.bin %> queue list --json | jq .totals.waiting',
  ]
  static override flags = {
    ...LIST_FLAGS,
    watch: boolean({ char: 'w', summary: 'go on until Ctrl-C (or q)' }),
    interval: durationFlag({ char: 'i', helpValue: '2s', summary: 'how often to look, with -w' }),
    state: option({
      options: [...QUEUE_STATES, 'all'] as const,
      helpValue: 'STATE',
      summary: 'which ones: waiting (unless told otherwise), bot, active, snoozed, all',
    })(),
    channel: string({ helpValue: 'NAME', summary: 'only of this channel' }),
    team: string({ helpValue: 'NAME', summary: 'only of this team' }),
    agent: string({ helpValue: 'NAME', summary: 'only of this agent' }),
    priority: option({ options: PRIORITIES, helpValue: 'PRIORITY', summary: 'only of this priority' })(),
    sort: option({
      options: ['turn', '-turn', 'since', '-since', 'activity', '-activity', 'channel', '-channel'] as const,
      helpValue: 'FIELD',
      summary: 'order; with - in front, descending',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object | undefined> {
    const { flags } = await this.parse(QueueList)
    const { watch, interval, state = 'waiting', fields, ...rest } = flags
    const { limit, cursor, channel, team, agent, priority, sort } = rest
    const request = {
      states: state === 'all' ? [...QUEUE_STATES] : [state],
      limit,
      cursor,
      sort,
      ...(channel === undefined ? {} : { channel }),
      ...(team === undefined ? {} : { team }),
      ...(agent === undefined ? {} : { agent }),
      ...(priority === undefined ? {} : { priority }),
    }
    const columns = (nowMs: number) => chosenColumns(queueColumns(nowMs), fields)
    columns(0)
    const control = await this.control()
    if (watch) {
      const intervalMs = interval ?? 2_000
      await watchQueue({ control, request, columns, output: this.output, intervalMs, signal: this.interrupt })
      return undefined
    }
    const answer = await control.call('queue.list', request)
    const nowMs = Date.now()
    this.output.line(totalsLine(answer.totals, nowMs))
    await this.output.list(columns(nowMs), answer.conversations)
    noteNext(this.output, answer.next)
    return answer
  }
}
