import type { DaemonStatus as StatusOfDaemon } from '../../daemon/control/client.js'
import { StatusCommand } from '../_cli/status-command.js'
import { processFacts } from '../_cli/status-view.js'

export default class DaemonStatus extends StatusCommand {
  static override summary = 'show the daemon process: addresses, transport, memory'
  static override description = 'Ends with exit code 3 when the daemon is not running.'
  static override examples = ['<%= config.bin %> daemon status', '<%= config.bin %> daemon status --json']

  protected facts(status: StatusOfDaemon) {
    return processFacts(status)
  }

  protected next() {
    return undefined
  }
}
