import { setTimeout as sleep } from 'node:timers/promises'
import { readFlags } from './lib/arguments.js'
import { type Crowd, connectCrowd } from './lib/crowd.js'
import { type KefuServer, RAISED_LIMITS, startKefu } from './lib/kefu.js'
import { median } from './lib/latency.js'
import { progress, report } from './lib/report.js'
import { readTicksPerSecond, readUsage } from './lib/usage.js'

/** What an idle visitor costs the daemon in memory of its process, and how fast visitors can come. Prints one JSON document. */

const flags = readFlags({
  visitors: { type: 'number', default: 8_000, min: 100, max: 19_000, doc: 'visitors that say hello and stay' },
  samples: { type: 'number', default: 5, min: 1, max: 60, doc: 'readings of the memory, half a second apart' },
})

/** Lets the daemon collect its garbage on a signal. Only this measurement starts it like that. */
const COLLECT = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2",()=>globalThis.gc())']
const SOURCES = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']
const INTERVAL_MS = 500
const WARM_UP_CROWD = 200

const ticks = readTicksPerSecond()
const server = await startKefu({ agents: 1, nodeArgs: COLLECT })
const crowds: Crowd[] = []
try {
  const fresh = await settledRss(server)
  // Young generation, code and pools grow to their size with the work, whoever stays: as many visitors come and go beforehand as are measured.
  progress('warming up')
  for (let done = 0; done < flags.visitors; done += WARM_UP_CROWD) (await connect(WARM_UP_CROWD)).close()
  await sleep(1_000)
  const none = await settledRss(server)
  progress(`nobody: ${none} bytes`)

  const half = flags.visitors >> 1
  const cpuBefore = readUsage(server.pid, ticks).cpuSeconds
  const begin = performance.now()
  crowds.push(await connect(half))
  const seconds = (performance.now() - begin) / 1000
  const cpuSeconds = readUsage(server.pid, ticks).cpuSeconds - cpuBefore
  const halfway = await settledRss(server)
  progress(`${half} visitors: ${halfway} bytes`)
  crowds.push(await connect(flags.visitors - half))
  const uncollected = readUsage(server.pid, ticks).rssBytes
  const all = await settledRss(server)
  progress(`${flags.visitors} visitors: ${all} bytes`)

  const { connections } = await server.status()
  if (connections.visitors !== flags.visitors) throw new Error(`${connections.visitors} visitors are connected`)
  report(
    'idle',
    { ...flags, limits: RAISED_LIMITS },
    {
      rssBytes: { fresh, nobody: none, half: halfway, all, allBeforeCollection: uncollected },
      bytesPerVisitor: Math.round((all - none) / flags.visitors),
      bytesPerVisitorOfSecondHalf: Math.round((all - halfway) / (flags.visitors - half)),
      bytesPerVisitorBeforeCollection: Math.round((uncollected - none) / flags.visitors),
      // With what the process itself grows by under its first load, up to 32 MiB of young generation: an upper bound.
      bytesPerVisitorFromFresh: Math.round((all - fresh) / flags.visitors),
      handshakes: {
        perSecond: Math.round(half / seconds),
        daemonCpuMicroseconds: Math.round((cpuSeconds * 1e6) / half),
      },
    },
  )
} finally {
  for (const crowd of crowds) crowd.close()
  await server.stop()
}

function connect(visitors: number): Promise<Crowd> {
  return connectCrowd({ ...server, agentTokens: [], visitors, sourceAddresses: SOURCES })
}

/** The median of several readings, each after a collection. */
async function settledRss({ pid }: KefuServer): Promise<number> {
  const readings: number[] = []
  for (let i = 0; i < flags.samples; i++) {
    process.kill(pid, 'SIGUSR2')
    await sleep(INTERVAL_MS)
    readings.push(readUsage(pid, ticks).rssBytes)
  }
  return median(readings)
}
