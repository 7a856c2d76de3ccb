import { BaseCommand } from '../_cli/base-command.js'
import { daemonStatus } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { processFacts, statusLine } from '../_cli/status-view.js'

const NOT_RUNNING = 3

export default class DaemonStatus extends BaseCommand {
  static override summary = 'show the daemon process: addresses, transport, memory'
  static override description = 'Ends with exit code 3 when the daemon is not running.'
  static override examples = ['<%= config.bin %> daemon status', '<%= config.bin %> daemon status --json']
  static override exitCodes = [...COMMON_EXIT_CODES, 3 as const, 12 as const, 17 as const, 18 as const]

  async run(): Promise<object> {
    await this.parse(DaemonStatus)
    const status = await daemonStatus(await this.control())
    const { output } = this
    if (status === undefined) {
      process.exitCode = NOT_RUNNING
      output.line(`kefu ${this.dirs.home} · not running`)
      if (output.mode === 'plain') output.facts([['state', 'stopped']])
      output.note('Try: kefu daemon start')
      return { state: 'stopped', home: this.dirs.home }
    }
    output.line(statusLine(status))
    output.facts(processFacts(status))
    for (const warning of status.warnings) output.warn(warning)
    return status
  }
}
