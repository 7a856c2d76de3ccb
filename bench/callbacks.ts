import { mkdirSync } from 'node:fs'
import { readFlags } from './lib/arguments.js'
import { type CallbackLoad, type CallbackLoadResult, prepareLoad } from './lib/callback-load.js'
import { addCallbackChannel, type CallbackChannel } from './lib/callbacks.js'
import { type KefuServer, RAISED_LIMITS, startKefu } from './lib/kefu.js'
import { median, round } from './lib/latency.js'
import { readProfiles } from './lib/profile.js'
import { progress, report } from './lib/report.js'
import { readTicksPerSecond, readUsage } from './lib/usage.js'

/**
 * Signed and encrypted callbacks of 公众号, each answered when its message is on disk; and what a flood on one channel does to another. Prints one JSON
 * document. Each callback is a new message: none is answered as a duplicate.
 */

const flags = readFlags({
  connections: { type: 'number', default: 96, min: 1, max: 1_000, doc: 'connections of the platform' },
  seconds: { type: 'number', default: 10, min: 1, max: 120, doc: 'seconds measured of each run' },
  rounds: { type: 'number', default: 3, min: 1, max: 20, doc: 'how often' },
  pairs: { type: 'number', default: 3, min: 0, max: 20, doc: 'how often alone and beside a flood' },
  'warm-up': { type: 'number', default: 8, min: 1, max: 120, doc: 'seconds of load before anything is measured' },
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
  'cpu-prof': {
    type: 'text',
    default: '',
    doc: 'folder for a CPU profile of the daemon, whose top functions are printed',
  },
})

type Load = Pick<CallbackLoad, 'connections' | 'seconds' | 'rate'>
type Run = CallbackLoadResult & { readonly received: number; readonly duplicates: number; readonly cpuCores: number }
type Pair = { readonly alone: Run; readonly beside: Run; readonly flooded: Run; readonly ratio: number }

/** More than a machine takes in a second. */
const PER_SECOND = 15_000

const profileDir = flags['cpu-prof']
if (profileDir !== '') mkdirSync(profileDir, { recursive: true })
const ticks = readTicksPerSecond()
const server = await startKefu({
  agents: 0,
  nodeArgs: profileDir === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`],
})
const runs: Run[] = []
const pairs: Pair[] = []
try {
  const { rounds, seconds, connections } = flags
  const full = await addCallbackChannel(server, 'full')
  const steady = await addCallbackChannel(server, 'steady')
  const flood = await addCallbackChannel(server, 'flood')
  progress('warming up')
  await measured(full, { connections, seconds: flags['warm-up'] })
  for (let at = 0; at < rounds; at++) {
    runs.push(...(await measured(full, { connections, seconds })))
    const { requestsPerSecond, p99Ms } = runs.at(-1)!
    progress(`  ${requestsPerSecond} callbacks/s, p99 ${p99Ms} ms`)
  }
  for (let at = 0; at < flags.pairs; at++) {
    const calm = { connections: 8, seconds, rate: flags['steady-rate'] }
    const [alone] = await measured(steady, calm)
    const [beside, flooded] = await measured(steady, calm, [
      flood,
      { connections: flags['flood-connections'], seconds },
    ])
    const ratio = round(beside!.p99Ms / alone!.p99Ms)
    pairs.push({ alone: alone!, beside: beside!, flooded: flooded!, ratio })
    progress(`  p99 ${alone!.p99Ms} ms alone, ${beside!.p99Ms} ms beside ${flooded!.requestsPerSecond} callbacks/s`)
  }
} finally {
  await server.stop()
}
report(
  'callbacks',
  { ...flags, raisedLimits: RAISED_LIMITS },
  {
    requestsPerSecond: median(runs.map(run => run.requestsPerSecond)),
    p99Ms: median(runs.map(run => run.p99Ms)),
    runs,
    flood: { ratio: median(pairs.map(({ ratio }) => ratio)), pairs },
    ...(profileDir === '' ? {} : { profiles: readProfiles(profileDir, 40) }),
  },
)

/** Loads at once, each in a process of its own: every answer is a success, and every message is stored once. */
async function measured(channel: CallbackChannel, load: Load, ...others: [CallbackChannel, Load][]): Promise<Run[]> {
  const all = [[channel, load], ...others] as const
  const { contacts, bytes } = flags
  const url = `http://${server.host}:${server.port}`
  const loads = await Promise.all(
    all.map(([channel, load]) =>
      prepareLoad({
        ...load,
        url,
        channel,
        contacts,
        textBytes: bytes,
        count: (load.rate ?? PER_SECOND) * (load.seconds + 1),
      }),
    ),
  )
  const before = await Promise.all(all.map(([{ name }]) => countsOf(server, name)))
  const used = readUsage(server.pid, ticks)
  const startedAt = performance.now()
  const results = await Promise.all(loads.map(({ run }) => run()))
  const cpu = readUsage(server.pid, ticks).cpuSeconds - used.cpuSeconds
  const cpuCores = round(cpu / ((performance.now() - startedAt) / 1_000))
  for (const { end } of loads) end()
  return Promise.all(
    results.map(async (result, at) => {
      const [{ name }, { connections }] = all[at]!
      const after = await countsOf(server, name)
      const received = after.received - before[at]!.received
      const duplicates = after.duplicates - before[at]!.duplicates
      check(result, received, duplicates, connections)
      return { ...result, received, duplicates, cpuCores }
    }),
  )
}

async function countsOf({ control }: KefuServer, name: string) {
  return (await control.call('channel.lane', { name })).lane.counts
}

/** What does not add up is no measurement. Those that were on their way when the run ended were answered to nobody. */
function check(result: CallbackLoadResult, received: number, duplicates: number, connections: number): void {
  const { answered, refused, errors } = result
  const problems = [
    ...(refused > 0 ? [`${refused} were refused`] : []),
    ...(errors > 0 ? [`${errors} failed`] : []),
    ...(duplicates > 0 ? [`${duplicates} were repetitions: make more`] : []),
    ...(received < answered || received > answered + connections ? [`${answered} answered, ${received} stored`] : []),
  ]
  if (problems.length === 0) return
  process.exitCode = 1
  progress(`  WRONG: ${problems.join(', ')}`)
}
