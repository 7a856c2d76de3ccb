/** Lets a bounded number of tasks run at once and a bounded number wait, first come, first served. */
export type Gate = {
  /** Runs the task when its turn comes. Rejects with the gate's error, without running it, when too many wait. */
  run<T>(task: () => Promise<T>): Promise<T>
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>
}

/** A gate of `concurrency` places and `waitingLimit` waiting ones; `full` makes the error of those who are sent away. */
export function createGate(concurrency: number, waitingLimit: number, full: () => Error): Gate {
  const waiting: (() => void)[] = []
  const idlers: (() => void)[] = []
  let running = 0

  const leave = () => {
    const next = waiting.shift()
    if (next !== undefined) return next()
    running--
    if (running === 0) for (const idler of idlers.splice(0)) idler()
  }

  return {
    async run(task) {
      if (running >= concurrency) {
        if (waiting.length >= waitingLimit) throw full()
        // The place of the one who leaves is handed over, so `running` does not change.
        await new Promise<void>(resolve => waiting.push(resolve))
      } else running++
      try {
        return await task()
      } finally {
        leave()
      }
    },
    idle() {
      return running === 0 ? Promise.resolve() : new Promise<void>(resolve => idlers.push(resolve))
    },
  }
}
