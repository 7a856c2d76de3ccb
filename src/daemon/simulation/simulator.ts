import { Worker } from 'node:worker_threads'
import { KefuError, toKefuError } from '../../errors.js'
import type { Clock, DirectoryPort } from '../core/ports.js'
import { PRESENCE_PREFIX, presenceDayPrefix } from '../core/presence-log.js'
import {
  type Compared,
  SCENARIOS,
  type ScenarioMeasures,
  type SimulationEvent,
  type SimulationPort,
  type SimulationRequest,
} from '../core/simulation.js'
import { readPresence } from '../engine/routing/presence-log.js'
import { type HistoryEvents, type HistoryPorts, readTrace } from './history.js'
import { Outages } from './outages.js'
import { TracePacker } from './packed-trace.js'
import { policyRoster, presentRoster, type Settings } from './policy.js'
import type { Roster } from './roster.js'
import type { Window } from './trace.js'
import type { FromWorker, ToWorker } from './worker.js'

/** What simulations stand on. */
export type SimulatorPorts = {
  readonly history: HistoryPorts
  readonly directory: Pick<DirectoryPort, 'list'>
  readonly clock: Pick<Clock, 'now'>
  settings(): Settings
}

/** More conversations than this are not simulated at once; the simulating thread holds them in about 50 MB. */
export const EPISODE_LIMIT = 500_000
const WORKER_HEAP_MB = 1_024
/** Parts of the trace that the simulating thread may not have taken in yet. */
const PARTS_AHEAD = 4
const PROGRESS_INTERVAL_MS = 200

type Scenarios = Extract<FromWorker, { readonly type: 'result' }>['scenarios']
type Progress = Extract<SimulationEvent, { readonly type: 'progress' }>

/** Simulations over a store: the trace is read beside the live traffic, and replayed in a thread of its own. */
export function createSimulator(ports: SimulatorPorts): SimulationPort {
  let isRunning = false
  return {
    async *run(request, signal) {
      if (isRunning) throw new KefuError('KEFU_SIMULATION_RUNNING')
      isRunning = true
      const ended = new AbortController()
      let progress: Progress | undefined
      let isDone = false
      try {
        const work = simulate(ports, request, AbortSignal.any([signal, ended.signal]), step => {
          progress = step
        })
        const end = work.then(
          () => (isDone = true),
          () => (isDone = true),
        )
        while (!isDone) {
          await Promise.race([end, pause(PROGRESS_INTERVAL_MS)])
          if (!isDone && progress !== undefined) yield progress
          progress = undefined
        }
        yield* await work
      } finally {
        ended.abort()
        isRunning = false
      }
    },
  }
}

async function simulate(
  ports: SimulatorPorts,
  request: SimulationRequest,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<SimulationEvent[]> {
  const settings = ports.settings()
  const present = presentRoster(settings)
  const policy = request.policy === undefined ? undefined : policyRoster(settings, request.policy)
  const { window, isShortened } = await windowOf(ports, request)
  const outages = new Outages(await readPresence(ports.directory, window.since, window.until))
  const thread = new SimulatingThread(signal)
  try {
    const packer = new TracePacker()
    const agents = new Set<string>()
    let episodes = 0
    const events: HistoryEvents = {
      progress: (done, total) => onProgress({ type: 'progress', step: 'reading', done, total }),
      record: at => outages.record(at),
    }
    for await (const batch of readTrace(ports.history, window, signal, events)) {
      episodes += batch.episodes.length
      if (episodes > EPISODE_LIMIT) throw new KefuError('KEFU_SIMULATION_TOO_LARGE', { limit: EPISODE_LIMIT })
      for (const { legs } of batch.episodes) for (const { agent } of legs) if (agent !== undefined) agents.add(agent)
      await thread.take({ type: 'trace', part: packer.pack(batch) })
    }
    if (signal.aborted) throw new KefuError('KEFU_ABORTED')
    if (episodes === 0) throw noData('no conversation asked for an agent in this time')
    const run: ToWorker = { type: 'run', window, presence: outages.presence(), present, policy }
    const scenarios = await thread.run(run, (done, total) =>
      onProgress({ type: 'progress', step: 'simulating', done, total }),
    )
    for (const { id } of present.agents) agents.delete(id)
    return [
      ...rowsOf(scenarios, policy ?? present),
      { type: 'result', ...window, isShortened, formerAgents: agents.size, ...compared(scenarios, ({ all }) => all) },
    ]
  } finally {
    await thread.end()
  }
}

/** Nothing is simulated for a time of which nobody knows who was there. */
async function windowOf(
  { directory, clock }: SimulatorPorts,
  request: SimulationRequest,
): Promise<{ readonly window: Window; readonly isShortened: boolean }> {
  const now = clock.now()
  const until = Math.min(request.until ?? now, now)
  const [first] = await directory.list(PRESENCE_PREFIX)
  const recorded = first && (await firstChange(directory, first.key))
  if (recorded === undefined || recorded >= until)
    throw noData('who was there is not recorded for any of this time; it is from the first start of this version on')
  const since = Math.max(request.since, recorded)
  if (since >= until) throw noData('it ends before it begins')
  return { window: { since, until }, isShortened: since > request.since }
}

async function firstChange(directory: Pick<DirectoryPort, 'list'>, key: string): Promise<number | undefined> {
  const day = Date.parse(key.slice(PRESENCE_PREFIX.length, presenceDayPrefix(0).length - 1))
  const [first] = await readPresence(directory, day, day)
  if (first !== undefined) return first.at
  const [later] = await readPresence(directory, day, day + 86_399_999)
  return later?.at
}

function rowsOf(scenarios: Scenarios, roster: Roster): SimulationEvent[] {
  const teamName = new Map(roster.teams.map(({ id, name }) => [id, name]))
  const ids = new Set(SCENARIOS.flatMap(scenario => Object.keys(scenarios[scenario]?.teams ?? {})))
  return [
    ...[...ids].sort().map(
      (id): SimulationEvent => ({
        type: 'team',
        name: id === '' ? '' : (teamName.get(id) ?? id),
        ...compared(scenarios, ({ teams }) => teams[id]),
      }),
    ),
    ...roster.agents.map(
      ({ id, name }): SimulationEvent => ({
        type: 'agent',
        name,
        ...compared(scenarios, ({ agents }) => agents[id]),
      }),
    ),
  ]
}

function compared<T>(scenarios: Scenarios, pick: (measures: ScenarioMeasures) => T | undefined): Compared<T> {
  const found: { -readonly [S in keyof Compared<T>]: T } = {}
  for (const scenario of SCENARIOS) {
    const measures = scenarios[scenario]
    const value = measures && pick(measures)
    if (value !== undefined) found[scenario] = value
  }
  return found
}

/** The thread that replays. Ends with the signal. */
class SimulatingThread {
  readonly #worker: Worker
  readonly #failed: Promise<never>
  #ahead = 0
  #taken: (() => void) | undefined
  #progress: (done: number, total: number) => void = () => undefined
  #result: ((scenarios: Scenarios) => void) | undefined

  constructor(signal: AbortSignal) {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    })
    this.#failed = new Promise((_, reject) => {
      this.#worker.on('error', error => reject(failureOf(error)))
      this.#worker.on('exit', () => reject(new KefuError('KEFU_ABORTED')))
      signal.addEventListener('abort', () => reject(new KefuError('KEFU_ABORTED')), { once: true })
    })
    // It may fail while nobody waits for it.
    this.#failed.catch(() => undefined)
    this.#worker.on('message', (message: FromWorker) => this.#hear(message))
  }

  /** Hands over a part; resolves when there is room for another one. */
  async take(message: ToWorker): Promise<void> {
    this.#ahead++
    this.#worker.postMessage(message)
    while (this.#ahead >= PARTS_AHEAD) await this.#orFailed(new Promise<void>(resolve => (this.#taken = resolve)))
  }

  run(message: ToWorker, onProgress: (done: number, total: number) => void): Promise<Scenarios> {
    this.#progress = onProgress
    const result = new Promise<Scenarios>(resolve => (this.#result = resolve))
    this.#worker.postMessage(message)
    return this.#orFailed(result)
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #hear(message: FromWorker): void {
    if (message.type === 'progress') this.#progress(message.done, message.total)
    else if (message.type === 'result') this.#result?.(message.scenarios)
    else {
      this.#ahead--
      this.#taken?.()
    }
  }

  #orFailed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed])
  }
}

function failureOf(error: unknown): KefuError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new KefuError('KEFU_SIMULATION_TOO_LARGE', { limit: EPISODE_LIMIT }, { cause: error })
  return toKefuError(error)
}

function noData(reason: string): KefuError {
  return new KefuError('KEFU_SIMULATION_NO_DATA', { reason })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
