import { BaseCommand } from '../_cli/base-command.js'
import { DAEMON_FLAGS, settingArguments, settingsOf } from '../_cli/daemon-flags.js'
import { daemonStatus, startDaemon } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { askForPassphrase, needsPassphrase } from '../_cli/passphrase.js'

const READY_TIMEOUT_MS = 30_000

export default class DaemonStart extends BaseCommand {
  static override summary = 'start the daemon in the background and wait until it is ready'
  static override description =
    'It logs to a file (kefu daemon logs). A daemon that runs already stays as it is. When the new one cannot start, its error is shown and its exit code passed on.'
  static override examples = [
    '<%= config.bin %> daemon start',
    '<%= config.bin %> --home /srv/kefu daemon start --port 9000',
    '<%= config.bin %> daemon start --json',
  ]
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
    const { flags } = await this.parse(DaemonStart)
    const settings = settingsOf(flags)
    // What is wrong with the configuration is said here, not in a log.
    const { config, problems } = await this.configuration(settings)
    for (const { message } of problems) this.output.warn(message)
    const control = await this.control()
    const { output } = this
    const running = await daemonStatus(control)
    if (running !== undefined && settings.size > 0)
      output.warn('the daemon runs already: the settings given were not applied')
    const status =
      running ??
      (await startDaemon({
        control,
        dirs: this.dirs,
        runArguments: [...this.placeArguments, ...settingArguments(settings)],
        askPassphrase: this.mayAsk && needsPassphrase(config, process.env) ? askForPassphrase : undefined,
        timeoutMs: this.timeoutMs(READY_TIMEOUT_MS),
      }))
    const changed = running === undefined
    const { pid, version, address, state } = status
    output.line(changed ? `Started the daemon of ${this.dirs.home}.` : `The daemon of ${this.dirs.home} runs already.`)
    output.facts([
      ['result', changed ? 'started' : 'unchanged'],
      ['pid', String(pid)],
      ['version', version],
      ['http', address.http ?? ''],
      ['socket', address.socket ?? ''],
      ['log', this.dirs.logFile],
    ])
    output.note('Next: kefu status')
    return { changed, state, pid, version, home: this.dirs.home, address, logFile: this.dirs.logFile }
  }
}
