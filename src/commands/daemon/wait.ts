import { BaseCommand } from '../_cli/base-command.js'
import { waitUntilReady } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

const READY_TIMEOUT_MS = 30_000

export default class DaemonWait extends BaseCommand {
  static override summary = 'wait until the daemon is ready'
  static override description = 'For scripts and service units. Gives up after --timeout (30s) with exit code 18.'
  static override examples = ['<%= config.bin %> daemon wait --timeout 30s']
  static override exitCodes = [...COMMON_EXIT_CODES, 12 as const, 17 as const, 18 as const]

  async run(): Promise<object> {
    await this.parse(DaemonWait)
    const control = await this.control()
    const { state, pid, version, address } = await waitUntilReady(control, this.timeoutMs(READY_TIMEOUT_MS))
    this.output.line(`The daemon of ${this.dirs.home} is ready: ${address.http}`)
    if (this.output.mode === 'plain') this.output.facts([['http', address.http ?? '']])
    return { state, pid, version, home: this.dirs.home, address }
  }
}
