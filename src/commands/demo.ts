import { boolean } from '@oclif/core/flags'
import { QUEUE_STATES } from '../daemon/control/queue-vocabulary.js'
import { KefuError } from '../errors.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from './_cli/exit-codes.js'
import { durationFlag } from './_cli/global-flags.js'
import { chosenColumns } from './_cli/listing.js'
import { keepSecret } from './_cli/secret-file.js'
import { wordsOfCount } from './_cli/words.js'
import { guideLines, guideTo, ownTokenFile, programIn } from './_demo/guide.js'
import {
  makeScratchHome,
  removeScratchHome,
  type ScratchDaemon,
  startScratchDaemon,
  sweepLeftovers,
} from './_demo/scratch.js'
import { type Stage, setStage, WEB_CHANNEL } from './_demo/stage.js'
import { queueColumns } from './queue/_queue/views.js'
import { watchQueue } from './queue/_queue/watch.js'

const START_TIMEOUT_MS = 30_000
const LOOK_MS = 500
/** What a drawn view shows: whose channel it is has to stand on a narrow terminal, too. */
const DRAWN_FIELDS = 'waited,channel,contact,priority,agent,message,state'
/** The same demo every time. */
const SEED = 1

export default class Demo extends BaseCommand {
  static override summary = 'show a queue that lives, with scripted customers and agents'
  static override description =
    'Starts a daemon in a temporary folder, an emulator of every platform, customers who write through them and on a web page, and two agents who answer; ' +
    'then shows the queue as kefu queue list -w does, until Ctrl-C (or q). Anybody can join as an agent or a visitor from another terminal: it says how. ' +
    'Everything listens on the loopback interface, on free ports, and is removed at the end (after a kill -9 by the next demo); your own daemon and settings are not touched.'
  static override examples = [
    '<%= config.bin %> demo',
    '<%= config.bin %> demo --for 30s --json',
    '<%= config.bin %> demo --for 1m --keep-home',
  ]
  static override flags = {
    for: durationFlag({ summary: 'end after this time' }),
    'keep-home': boolean({ summary: 'leave the folder with what was said, and say where it is' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  readonly #over = new AbortController()
  #failure: unknown

  async run(): Promise<void> {
    const { flags } = await this.parse(Demo)
    for (const place of ['home', 'socket', 'config'] as const)
      if (flags[place] !== undefined)
        throw new KefuError('KEFU_USAGE', { reason: `the demo has a folder of its own: leave out --${place}` })
    const { interrupt, output } = this
    interrupt.addEventListener('abort', () => this.#over.abort())
    // The terminal has gone.
    process.once('SIGHUP', () => this.#over.abort())
    const leftovers = await sweepLeftovers()
    if (leftovers > 0)
      output.note(`Removed what demos have left that were killed: ${wordsOfCount(leftovers, 'folder')}.`)
    const home = await makeScratchHome(flags['keep-home'] === true)
    if (output.mode === 'human') output.note(`Starting a daemon in ${home} …`)
    try {
      if (!this.#over.signal.aborted) await this.#show(home, flags.for)
    } finally {
      if (!flags['keep-home']) await removeScratchHome(home)
    }
    output.event({ type: 'ended', ...(flags['keep-home'] && { home }) })
    if (flags['keep-home']) output.note(`Kept: ${home}. Next: ${programIn(home)} daemon start`)
    else if (output.mode === 'human') output.note('The demo is over, and its folder is removed.')
    if (this.#failure !== undefined) throw this.#failure
  }

  async #show(home: string, forMs: number | undefined): Promise<void> {
    let daemon: ScratchDaemon | undefined
    let stage: Stage | undefined
    try {
      const { version } = this.config
      daemon = await startScratchDaemon(home, version, this.timeoutMs(START_TIMEOUT_MS))
      const failed = (error: unknown): void => {
        this.#failure ??= error
        this.#over.abort()
      }
      stage = await setStage({ ...{ daemon, seed: SEED, failed }, client: `kefu-demo/${version}` })
      const { control } = daemon
      await keepSecret(ownTokenFile(home), () => control.call('agent.add', { name: 'you' }))
      if (!this.#over.signal.aborted) await this.#watch(daemon, stage, forMs)
    } finally {
      this.#over.abort()
      await stage?.close()
      await daemon?.close()
    }
  }

  async #watch({ home, pid, url, control }: ScratchDaemon, stage: Stage, forMs: number | undefined): Promise<void> {
    const { output } = this
    const pages = stage.emulators.map(({ emulator, page }) => [emulator.kind, page] as const)
    const guide = guideTo(home, WEB_CHANNEL, pages)
    const lines = guideLines(guide)
    output.event({ type: 'ready', pid, home, url, ...guide, pages: Object.fromEntries(pages) })
    if (output.mode === 'plain') for (const line of lines) output.note(line)
    const fields = output.mode === 'human' ? DRAWN_FIELDS : undefined
    stage.play()
    const end = setTimeout(() => this.#over.abort(), forMs ?? 0)
    if (forMs === undefined) clearTimeout(end)
    try {
      await watchQueue({
        ...{ control, output, intervalMs: LOOK_MS, signal: this.#over.signal, above: lines },
        request: { states: [...QUEUE_STATES] },
        columns: nowMs => chosenColumns(queueColumns(nowMs), fields),
      })
    } finally {
      clearTimeout(end)
    }
  }

  /** Whoever read the rows has gone: everything is cleared away all the same. */
  protected override stdoutClosed(): void {
    this.#over.abort()
  }
}
