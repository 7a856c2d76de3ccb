import type { Log } from './observe/log.js'

/** A part of the daemon that has to be closed. */
export type Closer = { readonly name: string; readonly close: () => Promise<void> }

/**
 * Closes parts one after the other, the last one first, each within the deadline. A part that fails is logged (`daemon.close-failed`), one that takes longer
 * is logged and left behind (`daemon.close-cut-short`). Resolves with the names of those that were left behind; never rejects.
 */
export async function closeAll(closers: readonly Closer[], deadlineMs: number, log: Log): Promise<string[]> {
  const leftBehind: string[] = []
  for (const { name, close } of [...closers].reverse()) {
    if (
      await endsWithin(deadlineMs, () =>
        attempt(close).catch(error => log.error('daemon.close-failed', { part: name, error })),
      )
    )
      continue
    log.error('daemon.close-cut-short', { part: name, deadlineMs })
    leftBehind.push(name)
  }
  return leftBehind
}

/** What is thrown before there is a promise must not keep the other parts open. */
async function attempt(close: () => Promise<void>): Promise<void> {
  await close()
}

async function endsWithin(deadlineMs: number, work: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(resolve, deadlineMs, false)
  })
  try {
    return await Promise.race([work().then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
