import { fileURLToPath } from 'node:url'
import type { Flag, FlagValues } from './arguments.js'
import type { LoadOptions } from './load.js'
import { describeCommit, describeMachine } from './machine.js'
import type { Round } from './round.js'

/** The checkout that is measured. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Flags of everything that sends messages. */
export const LOAD_FLAGS = {
  visitors: { type: 'number', default: 200, min: 1, max: 10_000, doc: 'visitors, each with a conversation of its own' },
  agents: { type: 'number', default: 4, min: 1, max: 64, doc: 'agents who share the conversations' },
  'in-flight': { type: 'number', default: 8, min: 1, max: 64, doc: 'unacknowledged messages of a visitor' },
  rate: {
    type: 'number',
    default: 0,
    min: 0,
    max: 200_000,
    doc: 'messages a second on a fixed schedule; 0: closed loop',
  },
  bytes: { type: 'number', default: 120, min: 1, max: 4_000, doc: 'bytes of text in a message' },
  'warm-up': { type: 'number', default: 3, min: 0, max: 60, doc: 'seconds before measuring' },
  seconds: { type: 'number', default: 10, min: 1, max: 300, doc: 'seconds measured' },
  rounds: { type: 'number', default: 1, min: 1, max: 20, doc: 'how often' },
} as const satisfies Readonly<Record<string, Flag>>

/** The load that the flags ask for. In an open loop the server's own limit is the bound. */
export function loadOptions(flags: FlagValues<typeof LOAD_FLAGS>): LoadOptions {
  return {
    visitors: flags.visitors,
    inFlight: flags.rate > 0 ? 64 : flags['in-flight'],
    rate: flags.rate,
    textBytes: flags.bytes,
    warmUpSeconds: flags['warm-up'],
    seconds: flags.seconds,
  }
}

/** Prints the one JSON document of a script to stdout. */
export function report(bench: string, parameters: object, results: object): void {
  const document = {
    bench,
    at: new Date().toISOString(),
    ...describeCommit(ROOT),
    machine: describeMachine(),
    parameters,
    ...results,
  }
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

/** Says on stderr what is going on. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Says on stderr how a round went. A fault makes the script's exit code 1. */
export function announce({ load }: Round): void {
  const { acknowledgedPerSecond, deliver, verified } = load
  progress(`  ${acknowledgedPerSecond} messages/s, delivered p50 ${deliver.p50} ms, p99 ${deliver.p99} ms`)
  if (verified.faultCount === 0) return
  progress(`  ${verified.faultCount} faults: ${verified.faults[0]}`)
  process.exitCode = 1
}
