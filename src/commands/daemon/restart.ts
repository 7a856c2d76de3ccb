import { BaseCommand } from '../_cli/base-command.js'
import { DAEMON_FLAGS, settingArguments, settingsOf } from '../_cli/daemon-flags.js'
import { daemonStatus, startDaemon, waitUntilGone } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { askForPassphrase, needsPassphrase } from '../_cli/passphrase.js'

const TIMEOUT_MS = 60_000

export default class DaemonRestart extends BaseCommand {
  static override summary = 'stop the daemon and start it again in the background'
  static override description =
    'Settings that were given as flags to the daemon that stops do not carry over; give them again. A daemon that was not running is started.'
  static override examples = ['<%= config.bin %> daemon restart', '<%= config.bin %> daemon restart --port 9000']
  static override flags = DAEMON_FLAGS
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    11 as const,
    12 as const,
    15 as const,
    16 as const,
    17 as const,
    18 as const,
  ]

  async run(): Promise<object> {
    const { flags } = await this.parse(DaemonRestart)
    const settings = settingsOf(flags)
    // Before anything stops: what could not start again must go on.
    const { config, problems } = await this.configuration(settings)
    for (const { message } of problems) this.output.warn(message)
    const control = await this.control()
    const before = await daemonStatus(control)
    const timeoutMs = this.timeoutMs(TIMEOUT_MS)
    if (before !== undefined) {
      await control.call('daemon.stop', { mode: 'drain' })
      await waitUntilGone(control, before.pid, timeoutMs)
    }
    const { pid, version, address, state } = await startDaemon({
      control,
      dirs: this.dirs,
      runArguments: [...this.placeArguments, ...settingArguments(settings)],
      askPassphrase: this.mayAsk && needsPassphrase(config, process.env) ? askForPassphrase : undefined,
      timeoutMs,
    })
    this.output.line(`Restarted the daemon of ${this.dirs.home}.`)
    this.output.facts([
      ['result', before === undefined ? 'started' : 'restarted'],
      ['pid', String(pid)],
      ['version', version],
      ['http', address.http ?? ''],
      ['socket', address.socket ?? ''],
    ])
    this.output.note('Next: kefu status')
    return { changed: true, state, pid, version, home: this.dirs.home, address, previousPid: before?.pid ?? null }
  }
}
