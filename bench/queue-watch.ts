import { setTimeout as sleep } from 'node:timers/promises'
import { drawnRequest } from '../src/commands/queue/_queue/watch.js'
import { intervalBetween } from '../src/daemon/control/metrics-interval.js'
import { type AppLoad, connectApp } from './lib/app-load.js'
import { readFlags } from './lib/arguments.js'
import { type KefuServer, RAISED_LIMITS, startKefu } from './lib/kefu.js'
import { createLatencies, median, round } from './lib/latency.js'
import { progress, report } from './lib/report.js'
import { readTicksPerSecond, readUsage } from './lib/usage.js'

/** What watchers of a long queue cost a busy daemon: its CPU time with and without them, in pairs. Prints one JSON document. */

const flags = readFlags({
  waiting: { type: 'number', default: 10_000, min: 1, max: 1_000_000, doc: 'conversations in the queue' },
  rate: { type: 'number', default: 5_000, min: 1, max: 100_000, doc: 'messages a second, of all of them in turn' },
  watchers: { type: 'number', default: 10, min: 1, max: 1_000, doc: 'views of the queue' },
  'interval-ms': { type: 'number', default: 2_000, min: 100, max: 60_000, doc: 'how often each looks' },
  seconds: { type: 'number', default: 10, min: 1, max: 300, doc: 'seconds measured of each half of a pair' },
  pairs: { type: 'number', default: 5, min: 1, max: 50, doc: 'how often without and with watchers' },
  'warm-up': { type: 'number', default: 10, min: 0, max: 120, doc: 'seconds before the first pair' },
  bytes: { type: 'number', default: 120, min: 1, max: 4_000, doc: 'bytes of text in a message' },
})

/** Of each watcher's terminal: a tall one. */
const LINES = 50
/** After watchers have come or gone. */
const SETTLE_MS = 1_000

type Half = {
  readonly cpu: number
  readonly mainThreadCpu: number
  readonly messagesPerSecond: number
  readonly appendP99Ms: number
  readonly eventLoopP99Ms: number
}

type Pair = {
  readonly without: Half
  readonly with: Half
  readonly points: number
  readonly mainThreadPoints: number
  readonly percent: number
}

const ticks = readTicksPerSecond()
const server = await startKefu({ agents: 0 })
let load: AppLoad | undefined
try {
  const { token = '' } = await server.control.call('channel.add', { kind: 'app', name: 'queue-watch' })
  load = await connectApp({ ...server, token, contacts: flags.waiting, textBytes: flags.bytes })
  progress(`opening ${flags.waiting} conversations`)
  await load.open()
  load.start(flags.rate)
  await sleep(flags['warm-up'] * 1_000)

  const pairs: Pair[] = []
  const answers = createLatencies()
  for (let i = 0; i < flags.pairs; i++) {
    // The order changes from pair to pair: what a machine does to the second of two, it does to both.
    const isWatchedFirst = i % 2 === 1
    const first = await measure(server, load, isWatchedFirst)
    const second = await measure(server, load, !isWatchedFirst)
    const [watched, alone] = isWatchedFirst ? [first, second] : [second, first]
    const points = round((watched.cpu - alone.cpu) * 100)
    const mainThreadPoints = round((watched.mainThreadCpu - alone.mainThreadCpu) * 100)
    const percent = round((watched.cpu / alone.cpu - 1) * 100)
    pairs.push({ without: alone, with: watched, points, mainThreadPoints, percent })
    progress(`pair ${i + 1}: ${alone.cpu} and ${watched.cpu} of a core: ${points} points, ${percent} %`)
  }
  report(
    'queue-watch',
    { ...flags, limits: RAISED_LIMITS },
    {
      // Medians of the pairs: percentage points of one core, and percent of what the daemon needs without watchers.
      watchersCost: {
        points: round(median(pairs.map(pair => pair.points))),
        mainThreadPoints: round(median(pairs.map(pair => pair.mainThreadPoints))),
        percent: round(median(pairs.map(pair => pair.percent))),
      },
      cpuWithout: median(pairs.map(pair => pair.without.cpu)),
      cpuWith: median(pairs.map(pair => pair.with.cpu)),
      answerMs: answers.summary(),
      pairs,
    },
  )

  async function measure({ control, pid }: KefuServer, load: AppLoad, isWatched: boolean): Promise<Half> {
    const stop = new AbortController()
    const watchers = isWatched ? Array.from({ length: flags.watchers }, (_, i) => watch(control, i, stop.signal)) : []
    try {
      await sleep(SETTLE_MS)
      const before = await control.call('metrics.show', {})
      const [usage, begin, acknowledged] = [readUsage(pid, ticks), performance.now(), load.acknowledged]
      await sleep(flags.seconds * 1_000)
      const used = readUsage(pid, ticks)
      const seconds = (performance.now() - begin) / 1_000
      const messages = load.acknowledged - acknowledged
      const { append, eventLoop } = intervalBetween(before, await control.call('metrics.show', {}))
      load.check()
      return {
        cpu: round((used.cpuSeconds - usage.cpuSeconds) / seconds, 4),
        mainThreadCpu: round((used.mainThreadSeconds - usage.mainThreadSeconds) / seconds, 4),
        messagesPerSecond: Math.round(messages / seconds),
        appendP99Ms: append.p99,
        eventLoopP99Ms: eventLoop.p99,
      }
    } finally {
      stop.abort()
      await Promise.all(watchers)
    }
  }

  /** Asks what `kefu queue list -w` asks at a terminal, at its times; watchers begin evenly spread. */
  async function watch(control: KefuServer['control'], index: number, signal: AbortSignal): Promise<void> {
    const intervalMs = flags['interval-ms']
    const request = drawnRequest({ states: ['waiting'] }, LINES, intervalMs)
    await pause((index * intervalMs) / flags.watchers, signal)
    while (!signal.aborted) {
      const askedAt = performance.now()
      const { totals } = await control.call('queue.list', request)
      answers.record(performance.now() - askedAt)
      if (totals.waiting !== flags.waiting) throw new Error(`${totals.waiting} conversations wait`)
      await pause(intervalMs, signal)
    }
  }
} finally {
  load?.close()
  await server.stop()
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined)
}
