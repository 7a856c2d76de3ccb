import type { AnswerOf } from '../../daemon/control/client.js'
import { BaseCommand } from '../_cli/base-command.js'
import { daemonStatus } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { searchFact } from '../_cli/status-view.js'
import { groupDigits, wordsOfSize } from '../_cli/words.js'

export default class StoreInfo extends BaseCommand {
  static override summary = 'show facts about the store'
  static override description =
    'How much is in it, and whether it takes writes. With the daemon also how the index of the history stands. Works with the daemon and without.'
  static override examples = ['<%= config.bin %> store info', '<%= config.bin %> store info --json']
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    11 as const,
    12 as const,
    13 as const,
    15 as const,
    16 as const,
    17 as const,
    18 as const,
  ]

  async run(): Promise<object> {
    await this.parse(StoreInfo)
    const control = await this.control()
    const isRunning = (await daemonStatus(control)) !== undefined
    const info = isRunning ? await control.call('store.info', {}) : await this.#infoHere()
    this.output.facts([
      ['engine', info.engine],
      ['path', info.path],
      ['format', String(info.format)],
      ['state', info.state],
      ['records', String(info.records), groupDigits(info.records)],
      ['size', String(info.sizeBytes), wordsOfSize(info.sizeBytes)],
      ['commits', String(info.commits), `${groupDigits(info.commits)} since start`],
      ['committed records', String(info.committedRecords), groupDigits(info.committedRecords)],
      ...(info.search === undefined ? [] : [searchFact(info.search)]),
    ])
    for (const { message } of info.damage) this.output.warn(`stored data is damaged: ${message}`)
    if (info.damage.length > 0) this.output.note('Next: kefu store check --deep')
    return info
  }

  async #infoHere(): Promise<AnswerOf<'store.info'>> {
    const { config } = await this.configuration()
    const { inspectStore } = await import('../../daemon/open-store.js')
    return inspectStore(this.dirs, config, store => store.info())
  }
}
