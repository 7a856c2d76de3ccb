import { spawn } from 'node:child_process'

/** Kills its parent, if that is still there after a while. The parent's number is not asked for by itself: it may be somebody else's by then. */
const GUARD =
  "const [pid, ms] = process.argv.slice(1).map(Number); setTimeout(() => process.ppid === pid && process.kill(pid, 'SIGKILL'), ms)"

/**
 * Ends the process with this exit code, even if a thread of it waits for a disk that does not answer: Node waits for its threads before it exits, so a
 * process of its own kills this one when that takes longer than `graceMs` (it ends by SIGKILL then).
 */
export function exitHard(code: number, graceMs: number): never {
  const guard = spawn(process.execPath, ['-e', GUARD, String(process.pid), String(graceMs)], {
    stdio: 'ignore',
    detached: true,
  })
  // Without a guard there is no better way than to try.
  guard.on('error', () => undefined)
  guard.unref()
  process.exit(code)
}
