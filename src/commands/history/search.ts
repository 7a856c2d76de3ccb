import { string as argument } from '@oclif/core/args'
import { boolean, integer, option, string } from '@oclif/core/flags'
import type { ControlClient, RequestOf, SearchHitView } from '../../daemon/control/client.js'
import { SEARCH_PAGE } from '../../daemon/control/search-vocabulary.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given } from '../_cli/given.js'
import { noteNext } from '../_cli/listing.js'
import { groupDigits } from '../_cli/words.js'
import { createHitLines } from './_history/hit-lines.js'
import { SOUGHT_FLAGS, soughtOf } from './_history/search-flags.js'

const USUAL_LIMIT = 50

export default class HistorySearch extends BaseCommand {
  static override summary = 'find what was said'
  static override description =
    'Words have to be there all, anywhere in a text, also inside of words: part of a number, one Chinese character, an emoji. Letters of either case and ' +
    'full-width forms count as the same. OR, -word, "a phrase", (…) and /an expression/ are understood; in a shell put such a query between single quotes, and ' +
    'behind -- when it begins with a minus. A message is found as soon as it is acknowledged. Of what takes longer than --timeout a part is shown, with how to go on.'
  static override examples = [
    '<%= config.bin %> history search refund',
    '<%= config.bin %> history search X --since 7d',
    "<%= config.bin %> history search '退款 OR 退货' --channel wechat --context 2",
    '<%= config.bin %> history search 20261101 --agent lily --kind text --order oldest',
    '<%= config.bin %> history search refund --tag vip --count',
    '<%= config.bin %> history search --has-media --since 2h --json | jq .hits',
  ]
  static override strict = false
  static override args = {
    query: argument({
      ignoreStdin: true,
      description: 'what to look for; without it everything that the flags let through',
    }),
  }
  static override flags = {
    ...SOUGHT_FLAGS,
    order: option({
      options: ['newest', 'oldest'] as const,
      helpValue: 'ORDER',
      summary: 'newest (usual) or oldest first',
    })(),
    context: integer({
      min: 0,
      max: SEARCH_PAGE.context,
      helpValue: 'N',
      summary: 'so many lines before and after it in its conversation, too',
    }),
    limit: integer({ min: 1, max: 100_000, helpValue: 'N', summary: `how many at most (${USUAL_LIMIT})` }),
    cursor: string({ helpValue: 'CURSOR', summary: 'go on after an earlier page' }),
    count: boolean({ default: false, exclusive: ['limit', 'context', 'order'], summary: 'only how many there are' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 16 as const, 130 as const]

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(HistorySearch)
    const { order, cursor, context = 0, limit = USUAL_LIMIT } = flags
    const sought = soughtOf(argv.map(String), flags)
    const control = await this.control({ signal: this.interrupt })
    return flags.count
      ? this.#count(control, sought, cursor)
      : this.#search(control, { ...sought, ...given({ order }), context }, limit, cursor)
  }

  async #search(
    control: ControlClient,
    request: RequestOf<'history.search'>,
    limit: number,
    first: string | undefined,
  ) {
    const isOver = this.#clock()
    const lines = createHitLines(this.output, { hasContext: (request.context ?? 0) > 0 })
    const hits: SearchHitView[] = []
    let found = 0
    let cursor = first
    do {
      const page = await control.call('history.search', {
        ...request,
        limit: Math.min(SEARCH_PAGE.hits, limit - found),
        ...given({ cursor }),
      })
      found += page.hits.length
      if (this.output.mode === 'json') hits.push(...page.hits)
      else for (const hit of page.hits) lines.write(hit)
      cursor = page.next
    } while (cursor !== undefined && found < limit && !isOver())
    const isPartial = cursor !== undefined && found < limit
    if (found === 0 && !isPartial) this.output.note('Nothing was found.')
    if (isPartial)
      this.output.note(`Only a part could be searched in the time (--timeout): go on with --cursor ${cursor}`)
    else noteNext(this.output, cursor)
    return { hits, isPartial, ...given({ next: cursor }) }
  }

  async #count(control: ControlClient, request: RequestOf<'history.count'>, first: string | undefined) {
    const isOver = this.#clock()
    let count = 0
    let cursor = first
    do {
      const part = await control.call('history.count', { ...request, ...given({ cursor }) })
      count += part.count
      cursor = part.next
    } while (cursor !== undefined && !isOver())
    const isComplete = cursor === undefined
    this.output.line(`${isComplete ? '' : 'at least '}${groupDigits(count)}`)
    if (this.output.mode === 'plain')
      this.output.facts([
        ['count', String(count)],
        ['complete', isComplete ? 'yes' : 'no'],
      ])
    if (!isComplete)
      this.output.note(`Only a part could be counted in the time (--timeout): go on with --cursor ${cursor}`)
    return { count, isComplete, ...given({ next: cursor }) }
  }

  /** Whether the time that the command has is over. */
  #clock(): () => boolean {
    const until = performance.now() + this.timeoutMs()
    return () => performance.now() >= until
  }
}
