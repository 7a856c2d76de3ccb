import autocannon, { type Result } from 'autocannon'
import { readFlags } from './lib/arguments.js'
import { type CallbackSource, createCallbacks } from './lib/callbacks.js'
import { type KefuServer, RAISED_LIMITS, startKefu } from './lib/kefu.js'
import { median, round } from './lib/latency.js'
import { progress, report } from './lib/report.js'
import { readTicksPerSecond, readUsage } from './lib/usage.js'

/**
 * Signed and encrypted callbacks of 公众号, each answered when its message is on disk; and what a flood on one channel does to another. Prints one JSON
 * document. Each callback is a new message: none is answered as a duplicate.
 */

const flags = readFlags({
  connections: { type: 'number', default: 64, min: 1, max: 1_000, doc: 'connections of the platform' },
  seconds: { type: 'number', default: 10, min: 1, max: 120, doc: 'seconds measured of each run' },
  rounds: { type: 'number', default: 3, min: 1, max: 20, doc: 'how often' },
  contacts: { type: 'number', default: 5_000, min: 1, max: 1_000_000, doc: 'contacts who write in turn' },
  bytes: { type: 'number', default: 120, min: 3, max: 2_000, doc: 'bytes of text in a message' },
  'steady-rate': {
    type: 'number',
    default: 500,
    min: 1,
    max: 20_000,
    doc: 'callbacks a second of the channel beside the flood',
  },
  'flood-connections': { type: 'number', default: 64, min: 1, max: 1_000, doc: 'connections of the flood' },
})

/** More than a machine takes in a round. */
const PER_SECOND = 15_000

const ticks = readTicksPerSecond()
const server = await startKefu({ agents: 0 })
try {
  const { rounds, seconds, connections, contacts, bytes } = flags
  const source = async (name: string, perSecond: number): Promise<CallbackSource> => {
    progress(`making callbacks of ${name}`)
    return createCallbacks(server, name, { count: perSecond * seconds, contacts, textBytes: bytes })
  }
  const runs: Awaited<ReturnType<typeof measured>>[] = []
  for (let at = 0; at < rounds; at++) {
    const callbacks = await source(`full-${at}`, PER_SECOND)
    runs.push(await measured(callbacks, connections))
    const { requestsPerSecond, p99Ms } = runs.at(-1)!
    progress(`  ${requestsPerSecond} callbacks/s, p99 ${p99Ms} ms`)
  }
  const pairs: {
    readonly alone: number
    readonly beside: number
    readonly ratio: number
    readonly floodPerSecond: number
  }[] = []
  for (let at = 0; at < rounds; at++) {
    const steady = await source(`steady-${at}`, flags['steady-rate'] * 3)
    const flood = await source(`flood-${at}`, PER_SECOND)
    const alone = await measured(steady, 8, flags['steady-rate'])
    const [beside, flooded] = await Promise.all([
      measured(steady, 8, flags['steady-rate']),
      measured(flood, flags['flood-connections']),
    ])
    const ratio = round(beside.p99Ms / alone.p99Ms)
    pairs.push({ alone: alone.p99Ms, beside: beside.p99Ms, ratio, floodPerSecond: flooded.requestsPerSecond })
    progress(`  p99 ${alone.p99Ms} ms alone, ${beside.p99Ms} ms beside ${flooded.requestsPerSecond} callbacks/s`)
  }
  report(
    'callbacks',
    { ...flags, raisedLimits: RAISED_LIMITS },
    {
      requestsPerSecond: median(runs.map(run => run.requestsPerSecond)),
      p99Ms: median(runs.map(run => run.p99Ms)),
      runs,
      flood: { ratio: median(pairs.map(({ ratio }) => ratio)), pairs },
    },
  )
} finally {
  await server.stop()
}

/** One run: every answer is a success, and every message is stored once. */
async function measured(source: CallbackSource, connections: number, rate?: number) {
  const before = await countsOf(server, source.channel)
  const used = readUsage(server.pid, ticks)
  const generator = process.cpuUsage()
  const result = await autocannon({
    url: `http://${server.host}:${server.port}`,
    connections,
    duration: flags.seconds,
    ...(rate === undefined ? {} : { overallRate: rate }),
    requests: [{ setupRequest: () => source.next() }],
  })
  const cpu = readUsage(server.pid, ticks).cpuSeconds - used.cpuSeconds
  const { user, system } = process.cpuUsage(generator)
  const after = await countsOf(server, source.channel)
  const received = after.received - before.received
  const duplicates = after.duplicates - before.duplicates
  check(result, received, duplicates, connections)
  return {
    requestsPerSecond: Math.round(result['2xx'] / result.duration),
    ...latencyOf(result),
    received,
    duplicates,
    cpuCores: round(cpu / result.duration),
    /** Of this process, which makes the load: near 1 it is what is measured. */
    generatorCpuCores: round((user + system) / 1e6 / result.duration),
  }
}

async function countsOf({ control }: KefuServer, name: string) {
  return (await control.call('channel.lane', { name })).lane.counts
}

function latencyOf({ latency }: Result) {
  const { average, p50, p90, p99, p99_9, max } = latency
  return { averageMs: average, p50Ms: p50, p90Ms: p90, p99Ms: p99, p999Ms: p99_9, maxMs: max }
}

/** What does not add up is no measurement. Those that were on their way when the run ended were answered to nobody. */
function check(result: Result, received: number, duplicates: number, connections: number): void {
  const answered = result['2xx']
  const problems = [
    ...(result.non2xx > 0 ? [`${result.non2xx} were refused`] : []),
    ...(result.errors > 0 ? [`${result.errors} failed`] : []),
    ...(duplicates > 0 ? [`${duplicates} were repetitions: make more`] : []),
    ...(received < answered || received > answered + connections ? [`${answered} answered, ${received} stored`] : []),
  ]
  if (problems.length === 0) return
  process.exitCode = 1
  progress(`  WRONG: ${problems.join(', ')}`)
}
