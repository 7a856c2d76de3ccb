import type { DaemonStatus } from '../../daemon/control/client.js'
import { BaseCommand } from './base-command.js'
import { daemonStatus } from './daemon-life.js'
import { COMMON_EXIT_CODES } from './exit-codes.js'
import type { Fact } from './output.js'
import { statusLine } from './status-view.js'

const NOT_RUNNING = 3

/** A command that shows one side of the daemon's status: one line, facts, warnings. Without a daemon it says so and ends with exit code 3. */
export abstract class StatusCommand extends BaseCommand {
  static override exitCodes = [...COMMON_EXIT_CODES, 3 as const, 12 as const, 17 as const, 18 as const]

  /** The facts of this side. */
  protected abstract facts(status: DaemonStatus): Fact[]
  /** What to do next, if anything is worth saying. */
  protected abstract next(status: DaemonStatus): string | undefined

  async run(): Promise<object> {
    await this.parse(this.constructor as typeof StatusCommand)
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
    output.facts(this.facts(status))
    for (const warning of status.warnings) output.warn(warning)
    const next = this.next(status)
    if (next !== undefined) output.note(`Next: ${next}`)
    return status
  }
}
