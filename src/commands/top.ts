import { integer } from '@oclif/core/flags'
import { isKefuError, KefuError } from '../errors.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES } from './_cli/exit-codes.js'
import { durationFlag } from './_cli/global-flags.js'
import { watchMetrics } from './_top/watch.js'

const NOT_RUNNING = 3
const USUAL_MS = 2_000
const SHORTEST_MS = 100
const LONGEST_MS = 3_600_000

export default class Top extends BaseCommand {
  static override summary = 'watch what the daemon does: rates, latencies, queue, slow consumers'
  static override description =
    'At a terminal one screen that is drawn again and again (q quits). Piped or with --plain, a row for each interval, with a header every 20 rows; with --json, an object for each interval. A daemon that is restarted meanwhile is waited for. Ends with exit code 3 when the daemon is not running.'
  static override examples = [
    '<%= config.bin %> top',
    '<%= config.bin %> top -i 10s --plain >> kefu-top.tsv',
    '<%= config.bin %> top -n 1 --json | jq .perSecond.in',
  ]
  static override flags = {
    interval: durationFlag({ char: 'i', helpValue: '2s', summary: 'how often to look' }),
    count: integer({ char: 'n', min: 1, max: 1_000_000_000, helpValue: 'N', summary: 'end after so many intervals' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, 3 as const, 12 as const, 17 as const, 18 as const]

  async run(): Promise<object | undefined> {
    const { flags } = await this.parse(Top)
    const { interval: intervalMs = USUAL_MS, count } = flags
    if (intervalMs < SHORTEST_MS || intervalMs > LONGEST_MS)
      throw new KefuError('KEFU_USAGE', { reason: 'the interval can be from 100ms to 1h' })
    const control = await this.control()
    try {
      const first = await control.call('metrics.show', {})
      await watchMetrics({ control, first, output: this.output, intervalMs, count, signal: this.interrupt })
      return undefined
    } catch (error) {
      // A daemon that ends while it answers is not running either.
      if (!isKefuError(error, 'KEFU_DAEMON_UNREACHABLE') && !isKefuError(error, 'KEFU_DISCONNECTED')) throw error
      process.exitCode = NOT_RUNNING
      this.output.line(`kefu ${this.dirs.home} · not running`)
      if (this.output.mode === 'plain') this.output.facts([['state', 'stopped']])
      this.output.note('Try: kefu daemon start')
      return { state: 'stopped', home: this.dirs.home }
    }
  }
}
