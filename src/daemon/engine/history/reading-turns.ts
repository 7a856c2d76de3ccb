import { setImmediate as nextTurn } from 'node:timers/promises'

/** Lets long readings take turns: one page of one of them is read at a time, and between two pages everything else has a turn of the event loop. */
export type ReadingTurns = {
  /** Reads a page when its turn has come. Throws what `read` throws, and the signal's reason when nobody wants the page any more. */
  take<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T>
}

/** Turns of one daemon. */
export function createReadingTurns(): ReadingTurns {
  let last: Promise<unknown> = Promise.resolve()
  return {
    take(read, signal) {
      const page = last.then(async () => {
        await nextTurn()
        signal.throwIfAborted()
        return await read()
      })
      last = page.catch(() => undefined)
      return page
    },
  }
}
