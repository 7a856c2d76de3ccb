import type { ChildProcess } from 'node:child_process'

/** Ends a server process with this one, however this one ends: a benchmark that failed must not leave a loaded server behind. */
export function endWithParent(child: ChildProcess): void {
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1))
  }
}
