import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What a process has used so far. Linux only: read from /proc. */
export type Usage = {
  /** CPU seconds of all threads, and of the main thread alone. */
  readonly cpuSeconds: number
  readonly mainThreadSeconds: number
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** Reads a process. */
export function readUsage(pid: number, ticksPerSecond: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: ticksOf(`/proc/${pid}/stat`) / ticksPerSecond,
    mainThreadSeconds: ticksOf(`/proc/${pid}/task/${pid}/stat`) / ticksPerSecond,
    rssBytes: kilobytes(status, 'VmRSS') * 1024,
    peakRssBytes: kilobytes(status, 'VmHWM') * 1024,
  }
}

/** Clock ticks a second of /proc. */
export function readTicksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

function ticksOf(path: string): number {
  const stat = readFileSync(path, 'utf8')
  // The name in parentheses may contain spaces; utime and stime are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
}
