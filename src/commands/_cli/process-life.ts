import { readFileSync } from 'node:fs'

/** Whether a process runs. One that ended and that nobody has collected yet (as in containers without an init) is gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // Where there is such a file, it ended between the two looks.
    return process.platform !== 'linux'
  }
}
