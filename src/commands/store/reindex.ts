import { boolean } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { createProgress } from '../_cli/progress.js'
import { searchFact } from '../_cli/status-view.js'

const POLL_MS = 500

export default class StoreReindex extends BaseCommand {
  static override summary = 'build the index of the history again from the log'
  static override description =
    'Nothing is lost by it: the index only makes searches quick, and everything in it is in the log. Meanwhile everything is found as before, which takes longer. Needs the ' +
    'daemon. With --wait it ends when the index is complete.'
  static override examples = ['<%= config.bin %> store reindex', '<%= config.bin %> store reindex --wait']
  static override flags = { wait: boolean({ default: false, summary: 'wait until it is complete' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 130 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(StoreReindex)
    const { interrupt } = this
    const control = await this.control({ signal: interrupt })
    let { search } = await control.call('store.reindex', {})
    if (flags.wait) {
      const progress = createProgress(this.output, 'record')
      try {
        while (search.state !== 'ready' || search.lag > 0) {
          if (search.state === 'failed') throw new KefuError('KEFU_SEARCH_UNAVAILABLE', { reason: search.reason ?? '' })
          await new Promise(resolve => setTimeout(resolve, POLL_MS))
          const status = await control.call('daemon.status', {})
          search = status.search
          progress.update(status.store.records - search.lag, status.store.records)
        }
      } finally {
        progress.end()
      }
    }
    this.output.facts([searchFact(search)])
    if (!flags.wait) this.output.note('Next: kefu status, which tells how far it is')
    return { search }
  }
}
