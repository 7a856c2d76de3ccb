import { KefuError } from '../../../errors.js'
import { addressKey } from '../limits/rate-limit.js'
import { createTally } from '../limits/tally.js'

/** Bounds on downloads that run at the same time, read at each admission. */
export type DownloadBounds = { readonly atOncePerAddress: number }

/** Decides which downloads may begin. */
export type DownloadAdmission = {
  /**
   * Lets a download in and counts it; the function that is returned ends it, and must be called once. Throws `KEFU_RATE_LIMITED` with `retryAfterMs` when as
   * many of the same address run.
   */
  admit(remoteAddress: string): () => void
}

/** When to try again after downloads that run. */
const BUSY_RETRY_MS = 1_000

/** The admission of a daemon's downloads. Whose they are is not known: a link needs no token. */
export function createDownloadAdmission(bounds: DownloadBounds): DownloadAdmission {
  const running = createTally()
  return {
    admit(remoteAddress) {
      const address = addressKey(remoteAddress)
      if (running.of(address) >= bounds.atOncePerAddress)
        throw new KefuError('KEFU_RATE_LIMITED', {
          what: 'downloads at once from this address',
          retryAfterMs: BUSY_RETRY_MS,
        })
      running.add(address)
      return () => running.remove(address)
    },
  }
}
