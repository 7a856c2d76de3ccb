import { homedir, tmpdir } from 'node:os'
import { Command } from '@oclif/core/command'
import type { FlagInput, Input, ParserOutput } from '@oclif/core/interfaces'
import { type Dirs, resolveDirs } from '../../daemon/config/dirs.js'
import type { ConfigReading, ConfigSources } from '../../daemon/config/load.js'
import type { ControlClient } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { wantsJson } from './arguments.js'
import { currentCaller } from './caller.js'
import { COMMON_EXIT_CODES, type ExitCode } from './exit-codes.js'
import { reportFailure } from './failure.js'
import { durationMs, GLOBAL_FLAGS } from './global-flags.js'
import { createOutput, type Output } from './output.js'
import { placeOf } from './place.js'
import { confirm } from './prompt.js'

/** How long a command waits for one answer when nothing else is said. */
export const DEFAULT_TIMEOUT_MS = 10_000

const NOT_REMOVED = 1

/** Parsed values by name, as oclif types them. */
type Values = FlagInput extends FlagInput<infer T> ? T : never

/** Global flags as they were given. */
type Globals = {
  readonly home?: string
  readonly socket?: string
  readonly config?: string
  readonly plain?: boolean
  readonly quiet?: boolean
  readonly 'no-color'?: boolean
  readonly 'no-input'?: boolean
  readonly timeout?: number
  readonly debug?: boolean
}

/**
 * What every command shares: global flags, one way of writing answers and errors, the places and the daemon's control socket.
 *
 * 1. `run` parses first; from then on `output`, `dirs` and `control` follow the flags.
 * 2. It writes its answer through `output` and returns the same as a plain object, which `--json` prints as one document.
 * 3. An error becomes a sentence, a code and a next step on stderr (with `--json` one JSON line), and its exit code whatever the format.
 * 4. A reader of stdout that goes away (`| head`) ends the command with exit code 0.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = GLOBAL_FLAGS
  /** Exit codes of the command, for its help. */
  static exitCodes: readonly ExitCode[] = COMMON_EXIT_CODES

  #globals: Globals = {}
  #output: Output | undefined
  #dirs: Dirs | undefined
  #interrupt: AbortSignal | undefined

  /** Where answers and notes go. */
  protected get output(): Output {
    this.#output ??= createOutput({
      stdout: process.stdout,
      stderr: process.stderr,
      environment: process.env,
      isJson: this.jsonEnabled(),
      isPlain: this.#globals.plain ?? false,
      isQuiet: this.#globals.quiet ?? false,
      noColor: this.#globals['no-color'] ?? false,
      place: this.placeArguments,
    })
    return this.#output
  }

  /** Where everything of the daemon is. */
  protected get dirs(): Dirs {
    const { home, socket, config } = this.#globals
    this.#dirs ??= resolveDirs({
      home,
      socket,
      config,
      environment: process.env,
      userHome: homedir(),
      temporaryDir: tmpdir(),
      uid: process.getuid?.(),
    })
    return this.#dirs
  }

  /** Time for one answer: `--timeout`, else `KEFU_TIMEOUT`, else what the command finds right. */
  protected timeoutMs(usualMs = DEFAULT_TIMEOUT_MS): number {
    const { KEFU_TIMEOUT } = process.env
    return this.#globals.timeout ?? (KEFU_TIMEOUT ? durationMs('KEFU_TIMEOUT', KEFU_TIMEOUT) : usualMs)
  }

  /** Global flags as arguments of another kefu process. */
  protected get placeArguments(): readonly string[] {
    return placeOf(this.argv)
  }

  /** Aborted by Ctrl-C and SIGTERM, which then do not end the process by themselves. */
  protected get interrupt(): AbortSignal {
    if (this.#interrupt === undefined) {
      const controller = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
      this.#interrupt = controller.signal
    }
    return this.#interrupt
  }

  /** The daemon's operations. */
  protected async control(options: { readonly signal?: AbortSignal } = {}): Promise<ControlClient> {
    const { createControlClient } = await import('../../daemon/control/client.js')
    return createControlClient({
      socketPath: this.dirs.socketPath,
      home: this.dirs.home,
      version: this.config.version,
      timeoutMs: this.timeoutMs(),
      onNotice: sentence => this.output.warn(sentence),
      caller: currentCaller(process.env),
      ...options,
    })
  }

  /** The configuration from flags (`key` -> text), environment and file. Throws `KEFU_CONFIG_INVALID`, `KEFU_CONFIG_UNKNOWN_KEY`. */
  protected async configuration(flags: ReadonlyMap<string, string> = new Map()): Promise<ConfigReading> {
    const { loadConfig } = await import('../../daemon/config/load.js')
    return loadConfig(this.configSources(flags))
  }

  /** What the configuration is read from. */
  protected configSources(flags: ReadonlyMap<string, string> = new Map()): ConfigSources {
    const isFileNamed = Boolean(this.#globals.config || process.env.KEFU_CONFIG)
    return { flags, environment: process.env, file: this.dirs.configFile, isFileNamed }
  }

  /** Whether somebody sits at a terminal who can be asked, and is to be. */
  protected get mayAsk(): boolean {
    const isRefused = this.#globals['no-input'] === true || isOn(process.env.KEFU_NO_INPUT) || this.jsonEnabled()
    return !isRefused && process.stdin.isTTY && process.stderr.isTTY
  }

  /** Asks before something is removed; whether to go on. When not, it is said, and the exit code is 1. Throws what `confirm` throws. */
  protected async confirmRemoval(question: string, isAgreed: boolean): Promise<boolean> {
    const { mayAsk } = this
    const isYes = await confirm(question, { isAgreed, mayAsk, input: process.stdin, output: process.stderr })
    if (isYes) return true
    this.output.note('Nothing was removed.')
    process.exitCode = NOT_REMOVED
    return false
  }

  /** What happens when nobody reads stdout any more. */
  protected stdoutClosed(): void {
    process.exit(0)
  }

  override jsonEnabled(): boolean {
    const { enableJsonFlag } = this.ctor
    return enableJsonFlag && wantsJson(this.argv, process.env)
  }

  protected override async init(): Promise<void> {
    await super.init()
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.stdoutClosed()
    })
  }

  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv)
    this.#globals = parsed.flags as Globals
    if (this.#globals.home === '') throw new KefuError('KEFU_USAGE', { reason: '--home needs a folder' })
    return parsed
  }

  protected override catch(error: Error): Promise<void> {
    reportFailure(error, this.argv, this.#globals.debug, this.id?.replaceAll(':', ' '))
    return Promise.resolve()
  }

  override toSuccessJson(result: unknown): unknown {
    const { warnings } = this.output
    return warnings.length > 0 && typeof result === 'object' ? { ...result, warnings } : result
  }

  override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`)
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
