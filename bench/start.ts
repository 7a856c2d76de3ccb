import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags } from './lib/arguments.js'
import { startKefu } from './lib/kefu.js'
import { median, round } from './lib/latency.js'
import { progress, ROOT, report } from './lib/report.js'
import { createScratch } from './lib/server.js'

/** How long programs take to start, beside an empty one. Prints one JSON document. */

const flags = readFlags({
  runs: { type: 'number', default: 25, min: 3, max: 500, doc: 'runs of each command, interleaved' },
  records: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10_000_000,
    doc: 'records of a second store to start the daemon on',
  },
})

const PROGRAM = join(ROOT, 'bin', 'run.js')
const COMMANDS = {
  'node -e 0': ['-e', '0'],
  'kefu --version': [PROGRAM, '--version'],
  'kefu --help': [PROGRAM, '--help'],
} as const

const times = Object.fromEntries(Object.keys(COMMANDS).map(name => [name, [] as number[]]))
for (let i = 0; i < flags.runs; i++) {
  for (const [name, args] of Object.entries(COMMANDS)) times[name]!.push(time(args))
}
const [empty, ...others] = Object.keys(COMMANDS)
const base = times[empty!]!
const ready: Record<string, number> = { emptyStore: await timeToReady(undefined) }
if (flags.records > 0) ready[`store of ${flags.records} records`] = await timeToReadyOf(flags.records)

report('start', flags, {
  medianMs: Object.fromEntries(Object.entries(times).map(([name, own]) => [name, round(median(own), 1)])),
  // Of pairs that ran one after the other: the machine's mood is in both.
  ratioToNode: Object.fromEntries(
    others.map(name => [name, round(median(times[name]!.map((own, i) => own / base[i]!)), 2)]),
  ),
  daemonReadyMs: ready,
})

function time(args: readonly string[]): number {
  const begin = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  const elapsed = performance.now() - begin
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  return elapsed
}

/** From the start of the process to sockets that are served. */
async function timeToReady(home: string | undefined): Promise<number> {
  const server = await startKefu({ agents: 0, ...(home === undefined ? {} : { home }) })
  await server.stop()
  return round(server.readyMs, 1)
}

async function timeToReadyOf(records: number): Promise<number> {
  const scratch = createScratch()
  try {
    progress(`writing ${records} records`)
    const filled = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('./lib/fill-store.js', import.meta.url)), join(scratch.folder, 'home'), String(records)],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    if (filled.status !== 0) throw new Error('the store could not be filled')
    return await timeToReady(scratch.folder)
  } finally {
    scratch.remove()
  }
}
