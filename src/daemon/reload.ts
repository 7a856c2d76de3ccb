import { toKefuError } from '../errors.js'
import type { ConfigReading } from './config/load.js'
import type { SettingChange } from './config/reload.js'
import type { LiveSettings } from './live-settings.js'
import type { Log } from './observe/log.js'

/** What reloading did. Changes of settings as they would be written. */
export type Reloaded = {
  readonly applied: readonly SettingChange[]
  readonly needsRestart: readonly SettingChange[]
  readonly warnings: readonly string[]
}

/** What reloading stands on. `read` throws when the configuration is not valid. */
export type ReloaderPorts = {
  readonly read: () => Promise<Pick<ConfigReading, 'config' | 'problems'>>
  readonly live: LiveSettings
  readonly log: Log
}

/** Reads the configuration again while the daemon runs, one reading after the other. */
export class Reloader {
  readonly #ports: ReloaderPorts
  #last: Promise<unknown> = Promise.resolve()
  #warnings: readonly string[]
  #needsRestart: readonly SettingChange[] = []
  #failure: string | undefined

  /** `problems` are those of the configuration that the daemon starts with. */
  constructor(ports: ReloaderPorts, problems: ConfigReading['problems']) {
    this.#ports = ports
    this.#warnings = problems.map(({ message }) => message)
  }

  /** What an operator should know about the configuration: as it was read last, what of it waits for a restart, and whether a later reading failed. */
  get warnings(): readonly string[] {
    const warnings = [...this.#warnings]
    const keys = this.#needsRestart.map(({ key }) => key)
    if (keys.length > 0) warnings.push(`changed, but not in use: ${keys.join(', ')}; kefu daemon restart`)
    if (this.#failure !== undefined)
      warnings.push(`the last reload failed, and a start would fail as well: ${this.#failure}; kefu config check`)
    return warnings
  }

  /** Takes over what can be. Throws `KEFU_CONFIG_INVALID` and what else reading throws; then nothing has changed. */
  reload(): Promise<Reloaded> {
    const run = this.#last.then(() => this.#reload())
    this.#last = run.catch(() => undefined)
    return run
  }

  /** `reload`, or what is put around it, for a signal: nobody waits for the outcome, so it is logged. */
  async reloadOnSignal(reload: () => Promise<Reloaded> = () => this.reload()): Promise<void> {
    await reload().catch((error: unknown) => this.#ports.log.error('config.reload-failed', { error }))
  }

  async #reload(): Promise<Reloaded> {
    const { read, live, log } = this.#ports
    const { config, problems } = await read().catch((error: unknown) => {
      this.#failure = toKefuError(error).message
      throw error
    })
    this.#failure = undefined
    const { applied, needsRestart } = live.take(config)
    this.#needsRestart = needsRestart
    this.#warnings = problems.map(({ message }) => message)
    for (const message of this.#warnings) log.warn('config.warning', { message })
    log.info('config.reloaded', { applied: keysOf(applied), needsRestart: keysOf(needsRestart) })
    return { applied, needsRestart, warnings: this.#warnings }
  }
}

function keysOf(changes: readonly SettingChange[]): string[] {
  return changes.map(({ key }) => key)
}
