import { round } from './latency.js'
import { type LoadOptions, type LoadResult, runLoad } from './load.js'
import type { Server, ServerInfo } from './server.js'
import { readTicksPerSecond, readUsage, type Usage } from './usage.js'

/** One load on one server. */
export type Round = { readonly server: string; readonly load: LoadResult; readonly process: ServerCost }

/** What it cost the server, during the measurement only. */
export type ServerCost = {
  readonly cpuSeconds: number
  /** CPU seconds a second: all threads, and the main thread. */
  readonly cpu: number
  readonly mainThreadCpu: number
  readonly cpuMicrosecondsPerMessage: number
  readonly rssBytes: number
  readonly peakRssBytes: number
  readonly commitsPerSecond: number
  readonly recordsPerCommit: number
  readonly eventLoopDelayMs?: ServerInfo['eventLoopDelayMs']
}

type Reading = {
  readonly usage: Usage
  readonly info: Promise<ServerInfo>
}

/** Starts a server, loads it, stops it. */
export async function runRound(start: () => Promise<Server>, options: LoadOptions): Promise<Round> {
  const server = await start()
  try {
    const ticks = readTicksPerSecond()
    const readings: Reading[] = []
    const load = await runLoad(server, options, phase => {
      if (phase === 'begin') server.mark()
      readings.push({
        usage: readUsage(server.pid, ticks),
        info: server.info(),
      })
    })
    const [begin, end] = readings
    if (begin === undefined || end === undefined) throw new Error('the load was not measured')
    return { server: server.name, load, process: await costOf(begin, end, load) }
  } finally {
    await server.stop()
  }
}

async function costOf(begin: Reading, end: Reading, load: LoadResult): Promise<ServerCost> {
  const [before, after] = [await begin.info, await end.info]
  const cpuSeconds = end.usage.cpuSeconds - begin.usage.cpuSeconds
  const commits = after.commits - before.commits
  return {
    cpuSeconds: round(cpuSeconds),
    cpu: round(cpuSeconds / load.seconds),
    mainThreadCpu: round((end.usage.mainThreadSeconds - begin.usage.mainThreadSeconds) / load.seconds),
    cpuMicrosecondsPerMessage: round((cpuSeconds * 1e6) / load.acknowledged),
    rssBytes: end.usage.rssBytes,
    peakRssBytes: end.usage.peakRssBytes,
    commitsPerSecond: Math.round(commits / load.seconds),
    recordsPerCommit: commits === 0 ? 0 : round((after.committedRecords - before.committedRecords) / commits, 1),
    ...(after.eventLoopDelayMs === undefined ? {} : { eventLoopDelayMs: after.eventLoopDelayMs }),
  }
}
