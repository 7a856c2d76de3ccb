import { closeSync, openSync } from 'node:fs'

/** What a guard does: both are called in turn, `scarce` first. `plenty` answers whether it could go on; else it is called again. */
export type DescriptorGuardHandlers = {
  scarce(): void
  plenty(): boolean
}

/** Connections that may come in a millisecond: how soon to look again follows from it. */
const ARRIVALS_PER_MS = 20
const LOOK_LEAST_MS = 5
const LOOK_MOST_MS = 250

/**
 * Watches how near this process is to its open-file limit. The system gives a new file the lowest number that is free, so the number that one gets is about how
 * many are open; it is looked at the more often the fewer are left. `scarce` from `limit` on, `plenty` again below seven eighths of it.
 * Returns the function that ends it.
 */
export function guardDescriptors(limit: number, handlers: DescriptorGuardHandlers): () => void {
  const enough = Math.floor((limit * 7) / 8)
  let isScarce = false
  let timer: NodeJS.Timeout

  const look = (): void => {
    const next = nextDescriptor()
    if (!isScarce && next >= limit) {
      isScarce = true
      handlers.scarce()
    } else if (isScarce && next < enough) isScarce = !handlers.plenty()
    const left = isScarce ? 0 : limit - next
    timer = setTimeout(look, Math.min(LOOK_MOST_MS, Math.max(LOOK_LEAST_MS, left / ARRIVALS_PER_MS))).unref()
  }
  look()
  return () => clearTimeout(timer)
}

function nextDescriptor(): number {
  try {
    const descriptor = openSync('/dev/null', 'r')
    closeSync(descriptor)
    return descriptor
  } catch {
    // There is none: EMFILE, or ENFILE of the whole system.
    return Number.POSITIVE_INFINITY
  }
}
