import { fork } from 'node:child_process'
import autocannon, { type Result } from 'autocannon'
import { type CallbackChannel, type CallbackRequest, createCallbacks } from './callbacks.js'
import { endWithParent } from './children.js'
import { round } from './latency.js'

/** A load of callbacks on one channel. */
export type CallbackLoad = {
  readonly url: string
  readonly channel: CallbackChannel
  readonly connections: number
  readonly seconds: number
  /** Callbacks a second; as many as are answered when not given. */
  readonly rate?: number
  /** Callbacks that are made before it begins. */
  readonly count: number
  readonly contacts: number
  readonly textBytes: number
}

/** What came of it. */
export type CallbackLoadResult = {
  readonly answered: number
  readonly refused: number
  readonly errors: number
  readonly requestsPerSecond: number
  readonly averageMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  /** Of the process that makes the load: near 1 it is what is measured. */
  readonly generatorCpuCores: number
}

type Words = { readonly begun?: true; readonly result?: CallbackLoadResult }

/** A load in a process of its own, so that one does not wait for the other's turn of an event loop. It has its callbacks ready when this resolves. */
export async function prepareLoad(load: CallbackLoad): Promise<{ run(): Promise<CallbackLoadResult>; end(): void }> {
  const child = fork(new URL(import.meta.url), [], { stdio: ['ignore', 2, 2, 'ipc'] })
  endWithParent(child)
  const said = <K extends keyof Words>(key: K): Promise<Required<Words>[K]> =>
    new Promise((resolve, reject) => {
      child.on('message', (words: Words) => {
        const value = words[key]
        if (value !== undefined) resolve(value as Required<Words>[K])
      })
      child.once('exit', code => reject(new Error(`the load ended with ${code}`)))
    })
  const begun = said('begun')
  child.send(load)
  await begun
  return {
    run() {
      const result = said('result')
      child.send('run')
      return result
    },
    end: () => void child.kill('SIGKILL'),
  }
}

async function run(load: CallbackLoad, next: () => CallbackRequest): Promise<CallbackLoadResult> {
  const before = process.cpuUsage()
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    ...(load.rate === undefined ? {} : { overallRate: load.rate }),
    requests: [{ setupRequest: next }],
  })
  const { user, system } = process.cpuUsage(before)
  return {
    answered: result['2xx'],
    refused: result.non2xx,
    errors: result.errors,
    requestsPerSecond: Math.round(result['2xx'] / result.duration),
    ...latencyOf(result),
    generatorCpuCores: round((user + system) / 1e6 / result.duration),
  }
}

function latencyOf({ latency }: Result) {
  const { average, p50, p90, p99, p99_9, max } = latency
  return { averageMs: average, p50Ms: p50, p90Ms: p90, p99Ms: p99, p999Ms: p99_9, maxMs: max }
}

if (process.send !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once('disconnect', () => process.exit(0))
  process.once('message', (load: CallbackLoad) => {
    const next = createCallbacks(load.channel, load)
    process.on('message', () => void run(load, next).then(result => process.send?.({ result } satisfies Words)))
    process.send?.({ begun: true } satisfies Words)
  })
}
