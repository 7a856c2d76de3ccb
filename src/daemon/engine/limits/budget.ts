/** A bound on bytes that are held at the same time. Nobody waits: what does not fit is refused. */
export type Budget = {
  /** The function that gives the bytes back (idempotent), or `undefined` when they do not fit now. */
  reserve(bytes: number): (() => void) | undefined
  /** Bytes held now. */
  readonly usedBytes: number
}

/** A budget of `limitBytes`. A reservation larger than all of it is granted while nothing else is held. */
export function createBudget(limitBytes: number): Budget {
  let usedBytes = 0
  return {
    reserve(bytes) {
      if (usedBytes > 0 && usedBytes + bytes > limitBytes) return undefined
      usedBytes += bytes
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        usedBytes -= bytes
      }
    },
    get usedBytes() {
      return usedBytes
    },
  }
}
