import { spawn } from 'node:child_process'

/** Kills its parent, if that is still there after a while. The parent's number is not asked for by itself: it may be somebody else's by then. */
const GUARD =
  "const [pid, ms] = process.argv.slice(1).map(Number); setTimeout(() => process.ppid === pid && process.kill(pid, 'SIGKILL'), ms)"

/**
 * Ends the process with this exit code, even if a thread of it waits for a disk that does not answer: Node waits for its threads before it exits, so a
 * process of its own kills this one when that takes longer than `graceMs` (it ends by SIGKILL then). Where no process can be started, it ends by SIGKILL
 * at once.
 */
export function exitHard(code: number, graceMs: number): never {
  if (!startGuard(graceMs)) process.kill(process.pid, 'SIGKILL')
  // The first process of a container cannot be killed from within: then there is no better way than to try.
  process.exit(code)
}

/** Whether there is a guard now. The system may refuse another process just when something is wrong: too little memory, too many processes. */
function startGuard(graceMs: number): boolean {
  try {
    const guard = spawn(process.execPath, ['-e', GUARD, String(process.pid), String(graceMs)], {
      stdio: 'ignore',
      detached: true,
    })
    guard.on('error', () => undefined)
    guard.unref()
    return guard.pid !== undefined
  } catch {
    return false
  }
}
