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
  /** Messages that are acknowledged in the whole run, at least: a life in which a slow machine is behind its share lasts until it has caught up. */
  readonly acknowledged: number
  /** Time from ready to kill, or from having caught up, at random between these. */
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

/** How long nothing may come before something has gone wrong. */
const STALL_MS = 30_000
/** After catching up the kill comes within this time: it must not always hit the same moment. */
const CAUGHT_UP_MS = 50
/** A life that gets nowhere ends; the run goes on until all was acknowledged. */
const CATCH_UP_MS = 10_000

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
      const uptimeMs = random.integer(...options.uptimeMs)
      await delay(uptimeMs)
      // More kills instead of longer lives would cost a slow machine the more starts the slower it is.
      const share = Math.min(1, (kills + 1) / options.kills) * options.acknowledged
      if (total() < share) {
        await until(() => total() >= share, 'its share', { timeoutMs: CATCH_UP_MS, otherwise: () => undefined })
        await delay(uptimeMs % CAUGHT_UP_MS)
      }
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

/** Reads every conversation from its first record to the end that the daemon names, all at once, and compares. What is lost at the end shows in that. */
async function readBack(writers: readonly CrashWriter[], url: string): Promise<number> {
  for (const writer of writers) {
    writer.disconnect()
    writer.rewind()
    writer.connect(url)
  }
  const isRead = (writer: CrashWriter): boolean => writer.contiguous >= (writer.end ?? Number.POSITIVE_INFINITY)
  await until(() => writers.every(isRead), 'every conversation read back', {
    // Millions take minutes.
    progress: () => writers.reduce((sum, writer) => sum + writer.contiguous, 0),
    otherwise: () => {
      // A hole shows as reading that does not end: it is a finding, not a hang.
      for (const writer of writers)
        if (!isRead(writer))
          writer.violations.push({
            writer: writer.index,
            what: `hole after n ${writer.contiguous}, expected up to ${writer.end}`,
          })
    },
  })
  for (const writer of writers) writer.verify()
  return writers.reduce((sum, writer) => sum + writer.contiguous, 0)
}

async function killWhileStarting(options: DaemonProcessOptions, afterMs: number): Promise<void> {
  const daemon = DaemonProcess.spawn(options)
  await delay(afterMs)
  await daemon.kill()
}

/** Waits for a condition, as long as there is progress, if that can be told. */
async function until(
  condition: () => boolean,
  what: string,
  {
    timeoutMs = STALL_MS,
    progress = () => 0,
    otherwise,
  }: { readonly timeoutMs?: number; readonly progress?: () => number; readonly otherwise?: () => void } = {},
): Promise<void> {
  let last = progress()
  let deadline = performance.now() + timeoutMs
  while (!condition()) {
    const present = progress()
    if (present !== last) {
      last = present
      deadline = performance.now() + timeoutMs
    }
    if (performance.now() > deadline) {
      if (otherwise === undefined) throw new Error(`timed out waiting for: ${what}`)
      otherwise()
      return
    }
    await delay(10)
  }
}
