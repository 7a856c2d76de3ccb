import { boolean } from '@oclif/core/flags'
import { isKefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { daemonStatus, waitUntilGone } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

const GONE_TIMEOUT_MS = 60_000

export default class DaemonStop extends BaseCommand {
  static override summary = 'stop the daemon and wait until it is gone'
  static override description =
    'Clients are told to connect again later and have until drain.deadline to go; with --now nobody is waited for. What was acknowledged is on disk either way.'
  static override examples = ['<%= config.bin %> daemon stop', '<%= config.bin %> daemon stop --now']
  static override flags = {
    now: boolean({ summary: 'do not wait for clients', exclusive: ['drain'] }),
    drain: boolean({ summary: 'give clients time to go (the usual way)' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, 12 as const, 17 as const, 18 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(DaemonStop)
    const control = await this.control()
    const status = await daemonStatus(control)
    const { home } = this.dirs
    if (status === undefined) {
      this.output.line(`The daemon of ${home} is not running.`)
      this.output.facts([['result', 'unchanged']])
      return { changed: false, home }
    }
    const mode = flags.now ? 'now' : 'drain'
    await control.call('daemon.stop', { mode }).catch((error: unknown) => {
      // It was on its way already.
      if (!isKefuError(error, 'KEFU_DISCONNECTED') && !isKefuError(error, 'KEFU_DAEMON_UNREACHABLE')) throw error
    })
    await waitUntilGone(control, status.pid, this.timeoutMs(GONE_TIMEOUT_MS))
    this.output.line(`Stopped the daemon of ${home}.`)
    this.output.facts([
      ['result', 'stopped'],
      ['pid', String(status.pid)],
    ])
    this.output.note('Next: kefu daemon start')
    return { changed: true, home, pid: status.pid, mode }
  }
}
