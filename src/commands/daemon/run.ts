import { boolean, string } from '@oclif/core/flags'
import { connectionLimit, openFileLimit } from '../../daemon/config/file-limit.js'
import type { DaemonStatus } from '../../daemon/control/client.js'
import { isKefuError, KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { DAEMON_FLAGS, settingsOf } from '../_cli/daemon-flags.js'
import { daemonStatus } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { endWithParent } from '../_cli/parent.js'
import { askForPassphrase, askParent } from '../_cli/passphrase.js'

/** Time for the process to exit when a part of the daemon has not closed. */
const EXIT_GRACE_MS = 2_000

export default class DaemonRun extends BaseCommand {
  static override summary = 'run the daemon in the foreground'
  static override description =
    'Logs go to stderr as JSON lines (as text at a terminal). Ctrl-C or SIGTERM lets clients go and stops; a second one stops at once. ' +
    'SIGHUP reads the configuration again (kefu daemon reload says what it does). ' +
    'With --quickstart a web channel and an agent are made when there are none.'
  static override examples = [
    '<%= config.bin %> daemon run',
    '<%= config.bin %> daemon run --home ./scratch --port 9000 --quickstart',
    '<%= config.bin %> daemon run --set log.level=debug',
  ]
  static override flags = {
    ...DAEMON_FLAGS,
    quickstart: boolean({ summary: 'make a web channel and an agent when there are none, and say what to try' }),
    'passphrase-from-parent': boolean({ hidden: true, summary: 'ask the command that started it for the passphrase' }),
    'ends-with-parent': boolean({ hidden: true, summary: 'stop when the command that started it has ended' }),
    'log-file': string({ hidden: true, helpValue: 'FILE', summary: 'log to this file instead of stderr' }),
  }
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    11 as const,
    12 as const,
    15 as const,
    16 as const,
    17 as const,
    18 as const,
  ]

  #isLeftBehind = false

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonRun)
    // Everything that the daemon makes is for its own user.
    process.umask(0o077)
    if (flags['ends-with-parent']) endWithParent()
    const given = settingsOf(flags)
    const { config, settings, problems } = await this.configuration(given)
    const limit = connectionLimit(settings.find(({ key }) => key === 'limits.connections')!, openFileLimit())
    const { createLog } = await import('../../daemon/observe/log.js')
    const { createFileSink, createStderrSink } = await import('../../daemon/observe/log-sinks.js')
    const logFile = flags['log-file']
    const sink = logFile === undefined ? createStderrSink(process.stderr.isTTY) : createFileSink(logFile)
    const log = createLog(config.log.level, sink)
    const { runDaemon } = await import('../../daemon/main.js')
    let exitCode: number
    try {
      exitCode = await runDaemon({
        config,
        dirs: this.dirs,
        version: this.config.version,
        log,
        connectionLimit: limit,
        problems,
        readConfig: () => this.configuration(given),
        askPassphrase: flags['passphrase-from-parent'] ? askParent : this.mayAsk ? askForPassphrase : undefined,
        // The terminal has gone, and nobody is left who could end the daemon with it.
        hangUp: process.stdin.isTTY || process.stderr.isTTY ? 'stop' : 'reload',
        onReady: status => this.#ready(status, flags.quickstart),
        onLeftBehind: () => {
          this.#isLeftBehind = true
        },
      })
    } catch (error) {
      throw await this.#explain(error)
    } finally {
      log.close()
    }
    await this.#end(exitCode)
  }

  protected override async catch(error: Error): Promise<void> {
    await super.catch(error)
    await this.#end(Number(process.exitCode))
  }

  /** Nothing that hangs keeps the process. */
  async #end(exitCode: number): Promise<void> {
    if (!this.#isLeftBehind) return
    const { exitHard } = await import('../../daemon/hard-exit.js')
    exitHard(exitCode, EXIT_GRACE_MS)
  }

  async #ready(status: DaemonStatus, isQuickstart: boolean): Promise<void> {
    const { pid, version, address } = status
    this.output.event({ type: 'ready', pid, version, address })
    this.output.raw(`kefu ${version} is ready: ${address.http} · sockets ${address.socket}\n`)
    if (!isQuickstart) return
    const { quickstart } = await import('../_cli/quickstart.js')
    const made = await quickstart(await this.control(), this.dirs, status, this.placeArguments)
    this.output.event({ type: 'quickstart', ...made })
    this.output.raw(`${made.lines.join('\n')}\n`)
  }

  /** The store's lock says that a process has it; whether that is a daemon, its socket says. */
  async #explain(error: unknown): Promise<unknown> {
    if (!isKefuError(error, 'KEFU_STORE_LOCKED')) return error
    const status = await daemonStatus(await this.control()).catch(() => undefined)
    return status === undefined ? error : new KefuError('KEFU_DAEMON_ALREADY_RUNNING', { home: this.dirs.home })
  }

  /** Whoever read the first lines may leave; the daemon goes on. */
  protected override stdoutClosed(): void {}
}
