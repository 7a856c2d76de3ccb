import type { DaemonStatus } from '../daemon/control/client.js'
import { StatusCommand } from './_cli/status-command.js'
import { nextStep, serviceFacts } from './_cli/status-view.js'

export default class Status extends StatusCommand {
  static override summary = 'show the whole service on one screen'
  static override description =
    'Channels, queue, connections and store. Ends with exit code 3 when the daemon is not running.'
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json']

  protected facts(status: DaemonStatus) {
    return serviceFacts(status)
  }

  protected next(status: DaemonStatus) {
    return nextStep(status)
  }
}
