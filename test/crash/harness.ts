import { setTimeout as delay } from 'node:timers/promises'
import { DaemonProcess, type DaemonProcessOptions, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { Random } from '../helpers/random.js'
import { CrashWriter, type Violation } from './writer.js'

/** How a crash run goes. */
export type CrashRunOptions = {
  readonly home: string
  readonly seed: number
  readonly writers: number
  readonly kills: number
  /** The run goes on killing until this many messages were acknowledged, too. */
  readonly acknowledged: number
  /** Time from ready to kill, at random between these. */
  readonly uptimeMs: readonly [number, number]
  /** A kill may also hit a starting daemon: the share of starts that are killed before they are ready. */
  readonly killStarting?: number
  readonly entry?: DaemonProcessOptions['entry']
}

/** What a crash run found. */
export type CrashReport = {
  readonly kills: number
  readonly killsWhileStarting: number
  readonly acknowledged: number
  readonly records: number
  readonly slowestReadyMs: number
  readonly violations: readonly Violation[]
}

const SETTLE_MS = 30_000

/**
 * Kills a daemon with SIGKILL at random moments under load, again and again, and compares what was acknowledged with what is read back in the end:
 * nothing lost, doubled, out of order, invented, and no hole. A run is the same for the same seed but for the machine's timing.
 */
export async function crashRun(options: CrashRunOptions): Promise<CrashReport> {
  const random = new Random(options.seed)
  const writers = Array.from({ length: options.writers }, (_, index) => new CrashWriter(index))
  const start: DaemonProcessOptions = {
    home: options.home,
    config: LOAD_TEST_CONFIG,
    ...(options.entry === undefined ? {} : { entry: options.entry }),
  }
  let daemon = await DaemonProcess.start(start)
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  let kills = 0
  let killsWhileStarting = 0
  let slowestReadyMs = 0
  const total = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
  try {
    while (kills < options.kills || total() < options.acknowledged) {
      const url = await daemon.socketUrl()
      for (const writer of writers) writer.connect(url)
      await delay(random.integer(...options.uptimeMs))
      await daemon.kill()
      kills++
      for (const writer of writers) writer.disconnect()
      if (random.next() < (options.killStarting ?? 0)) {
        killsWhileStarting++
        await killWhileStarting(start, random.integer(20, 400))
      }
      const startedAt = performance.now()
      daemon = await DaemonProcess.start(start)
      slowestReadyMs = Math.max(slowestReadyMs, performance.now() - startedAt)
    }
    await settle(writers, await daemon.socketUrl())
    const records = await readBack(writers, await daemon.socketUrl())
    return {
      kills,
      killsWhileStarting,
      acknowledged: total(),
      records,
      slowestReadyMs,
      violations: writers.flatMap(writer => writer.violations),
    }
  } finally {
    for (const writer of writers) writer.disconnect()
    await daemon.kill()
  }
}

/** Everything that was submitted gets its acknowledgement in the end. */
async function settle(writers: readonly CrashWriter[], url: string): Promise<void> {
  for (const writer of writers) {
    writer.finish()
    writer.connect(url)
  }
  await until(() => writers.every(writer => writer.unacknowledged === 0), 'all messages acknowledged')
}

async function readBack(writers: readonly CrashWriter[], url: string): Promise<number> {
  let records = 0
  for (const writer of writers) {
    writer.disconnect()
    const last = Math.max(0, ...writer.submitted.map(message => message.n ?? 0))
    writer.rewind()
    writer.connect(url)
    await until(
      () => writer.contiguous >= last,
      `writer ${writer.index} to read up to n ${last}, it has ${writer.contiguous}`,
      () => {
        // A hole shows as reading that does not end: it is a finding, not a hang.
        writer.violations.push({
          writer: writer.index,
          what: `hole after n ${writer.contiguous}, expected up to ${last}`,
        })
      },
    )
    writer.verify()
    records += writer.contiguous
  }
  return records
}

async function killWhileStarting(options: DaemonProcessOptions, afterMs: number): Promise<void> {
  const daemon = DaemonProcess.spawn(options)
  await delay(afterMs)
  await daemon.kill()
}

async function until(condition: () => boolean, what: string, otherwise?: () => void): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (!condition()) {
    if (performance.now() > deadline) {
      if (otherwise === undefined) throw new Error(`timed out waiting for: ${what}`)
      otherwise()
      return
    }
    await delay(10)
  }
}
