import { mkdirSync } from 'node:fs'
import { readFlags } from './lib/arguments.js'
import { RAISED_LIMITS, startKefu } from './lib/kefu.js'
import { median, round } from './lib/latency.js'
import { readProfiles } from './lib/profile.js'
import { announce, LOAD_FLAGS, loadOptions, progress, report } from './lib/report.js'
import { type Round, runRound } from './lib/round.js'
import { startBare } from './lib/server.js'

/**
 * Durable messages a second from end to end: visitor, socket, fsync, acknowledgement, delivery to the agent. With `--bare`, alternately with the bare loop, so
 * that both meet the same machine. Prints one JSON document.
 */

const flags = readFlags({
  ...LOAD_FLAGS,
  bare: { type: 'switch', doc: 'alternate with the bare loop and compare' },
  'node-args': { type: 'text', default: '', doc: 'arguments of node for the daemon, separated by spaces' },
  'cpu-prof': {
    type: 'text',
    default: '',
    doc: 'folder for a CPU profile of the daemon, whose top functions are printed',
  },
})
const options = loadOptions(flags)
const profileDir = flags['cpu-prof']
const nodeArgs = flags['node-args'].split(' ').filter(word => word !== '')
if (profileDir !== '') nodeArgs.push('--cpu-prof', `--cpu-prof-dir=${profileDir}`)
if (profileDir !== '') mkdirSync(profileDir, { recursive: true })

const rounds: Round[] = []
const ratios: number[] = []
for (let i = 0; i < flags.rounds; i++) {
  if (!flags.bare) {
    await run('kefu', i)
    continue
  }
  // The order changes from pair to pair: what a machine does to the second of two, it does to both.
  const isKefuFirst = i % 2 === 0
  const first = await run(isKefuFirst ? 'kefu' : 'bare', i)
  const second = await run(isKefuFirst ? 'bare' : 'kefu', i)
  const [kefu, bare] = isKefuFirst ? [first, second] : [second, first]
  ratios.push(kefu.load.acknowledgedPerSecond / bare.load.acknowledgedPerSecond)
}
report(
  'chat',
  { ...flags, limits: RAISED_LIMITS },
  {
    summary: {
      kefu: summarise('kefu'),
      ...(flags.bare
        ? { bare: summarise('bare'), ratio: round(median(ratios), 3), ratios: ratios.map(r => round(r, 3)) }
        : {}),
    },
    rounds,
    ...(profileDir === '' ? {} : { profiles: readProfiles(profileDir, 40) }),
  },
)

async function run(server: 'kefu' | 'bare', index: number): Promise<Round> {
  progress(`round ${index + 1} of ${flags.rounds}: ${server}`)
  const result = await runRound(
    () => (server === 'kefu' ? startKefu({ agents: flags.agents, nodeArgs }) : startBare(flags.agents)),
    options,
  )
  rounds.push(result)
  announce(result)
  return result
}

/** Medians over the rounds. */
function summarise(server: string): object {
  const own = rounds.filter(result => result.server === server)
  const of = (pick: (result: Round) => number): number => round(median(own.map(pick)), 3)
  return {
    messagesPerSecond: of(({ load }) => load.acknowledgedPerSecond),
    acknowledgeMeanMs: of(({ load }) => load.acknowledge.mean),
    acknowledgeP99Ms: of(({ load }) => load.acknowledge.p99),
    deliverMeanMs: of(({ load }) => load.deliver.mean),
    deliverP50Ms: of(({ load }) => load.deliver.p50),
    deliverP99Ms: of(({ load }) => load.deliver.p99),
    cpuMicrosecondsPerMessage: of(({ process: cost }) => cost.cpuMicrosecondsPerMessage),
    mainThreadCpu: of(({ process: cost }) => cost.mainThreadCpu),
    rssBytes: of(({ process: cost }) => cost.rssBytes),
    recordsPerCommit: of(({ process: cost }) => cost.recordsPerCommit),
    faults: own.reduce((sum, { load }) => sum + load.verified.faultCount, 0),
  }
}
