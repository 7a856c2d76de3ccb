import { option } from '@oclif/core/flags'
import type { AnswerOf } from '../../daemon/control/client.js'
import { STATS_GROUPS } from '../../daemon/control/history-vocabulary.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { ListColumn } from '../_cli/output.js'
import { createProgress } from '../_cli/progress.js'
import { groupDigits, wordsOfCount, wordsOfDuration, wordsOfSize } from '../_cli/words.js'
import { AGENT_FILTER, CHANNEL_FILTER, SINCE, TYPE_FILTER, UNTIL } from './_history/filters.js'

type Result = Extract<AnswerOf<'history.stats'>, { readonly type: 'result' }>
type Row = Result['rows'][number]

export default class HistoryStats extends BaseCommand {
  static override summary = 'count what was said, by day, channel, type or agent'
  static override description =
    'All of the log is read for it, page by page beside live traffic. Days and hours are those of this computer. Bytes are those of the stored records.'
  static override examples = [
    '<%= config.bin %> history stats --since 30d',
    '<%= config.bin %> history stats --by channel,type',
    '<%= config.bin %> history stats --by agent --type message --since 7d --json',
  ]
  static override flags = {
    by: option({
      options: STATS_GROUPS,
      multiple: true,
      delimiter: ',',
      default: ['day' as const],
      helpValue: 'GROUP',
      summary: `what is counted apart: ${STATS_GROUPS.join(', ')}`,
    })(),
    channel: CHANNEL_FILTER,
    agent: AGENT_FILTER,
    type: TYPE_FILTER,
    since: SINCE,
    until: UNTIL,
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 16 as const, 130 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(HistoryStats)
    const { by, channel, agent, type, since, until } = flags
    const control = await this.control({ signal: this.interrupt })
    const progress = createProgress(this.output, 'position')
    const started = performance.now()
    const request = {
      by: [...new Set(by)],
      offsetMinutes: -new Date().getTimezoneOffset(),
      ...(channel !== undefined && { channel }),
      ...(agent !== undefined && { agent }),
      ...(type !== undefined && { types: type }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    }
    let result: Result | undefined
    for await (const event of control.stream('history.stats', request)) {
      if (event.type === 'progress') progress.update(event.done, event.total)
      else result = event
    }
    progress.end()
    if (result === undefined) throw new KefuError('KEFU_DISCONNECTED', { reason: 'counting ended without a result' })
    const { type: _, ...answer } = result
    await this.output.list(columnsOf(answer.by), answer.rows)
    if (answer.omitted > 0)
      this.output.warn(`there are too many rows: ${wordsOfCount(answer.omitted, 'record')} of later ones are left out`)
    this.output.note(`${wordsOfCount(answer.records, 'record')} · ${wordsOfDuration(performance.now() - started)}`)
    return answer
  }
}

function columnsOf(by: readonly string[]): ListColumn<Row>[] {
  return [
    ...by.map(
      (group, index): ListColumn<Row> => ({
        key: group,
        header: group.toUpperCase(),
        plain: ({ key }) => key[index] ?? '',
        human: ({ key }) => key[index] || '–',
        isFlexible: true,
      }),
    ),
    counted('messages', ({ messages }) => messages),
    counted('records', ({ records }) => records),
    {
      ...counted('bytes', ({ bytes }) => bytes),
      human: ({ bytes }) => wordsOfSize(bytes),
    },
  ]
}

function counted(key: string, countOf: (row: Row) => number): ListColumn<Row> {
  return {
    key,
    header: key.toUpperCase(),
    align: 'right',
    plain: row => String(countOf(row)),
    human: row => groupDigits(countOf(row)),
  }
}
