import { KefuError } from '../../../errors.js'
import { createBudget } from '../limits/budget.js'
import { addressKey, type RateLimiter } from '../limits/rate-limit.js'
import { createTally } from '../limits/tally.js'

/** Rates that uploads use up. */
export type UploadRates = {
  /** Uploads by uploader and conversation. */
  readonly uploads: RateLimiter
  /** Uploads of visitors by address. */
  readonly addressUploads: RateLimiter
  /** Bytes that visitors upload, by address. */
  readonly addressBytes: RateLimiter
}

/** Bounds on uploads that run at the same time, read at each admission. */
export type UploadBounds = {
  readonly atOnce: number
  /** Of visitors. */
  readonly atOncePerAddress: number
  /** Memory of all uploads together; visitors of one address have half of it. */
  readonly memoryBytes: number
}

/** An upload that asks to begin. */
export type UploadCandidate = {
  readonly role: 'visitor' | 'agent' | 'app'
  readonly uploader: string
  readonly conversation: string
  readonly remoteAddress: string
  /** The most that it may hold in memory, and bring. */
  readonly memoryBytes: number
  readonly fileBytes: number
}

/** An upload that was let in. */
export type AdmittedUpload = {
  /** Ends it, once: gives its place and memory back, and of the bytes what it did not bring. */
  end(bytes: number): void
}

/** Decides which uploads may begin. */
export type UploadAdmission = {
  /**
   * Lets an upload in and counts it. Agents and apps, whom an operator gave a token, are bound by no address. Throws `KEFU_RATE_LIMITED` with `retryAfterMs`,
   * and `KEFU_MEDIA_UNAVAILABLE` when there are too many of everybody.
   */
  admit(candidate: UploadCandidate): AdmittedUpload
}

/** What an upload uses up of one rate. */
type Cost = { readonly limiter: RateLimiter; readonly key: string; readonly what: string; readonly amount: number }

/** When to try again after uploads that run. */
const BUSY_RETRY_MS = 1_000

/** The admission of a daemon's uploads. */
export function createUploadAdmission(rates: UploadRates, bounds: UploadBounds): UploadAdmission {
  const running = createTally()
  const memory = createBudget(bounds.memoryBytes)
  const addressMemory = createTally()

  return {
    admit({ role, uploader, conversation, remoteAddress, memoryBytes, fileBytes }) {
      const address = role === 'visitor' ? addressKey(remoteAddress) : undefined
      if (running.total >= bounds.atOnce) throw busy()
      if (address !== undefined) {
        const held = addressMemory.of(address)
        const isCrowded = held > 0 && held + memoryBytes > bounds.memoryBytes / 2
        if (isCrowded || running.of(address) >= bounds.atOncePerAddress)
          throw new KefuError('KEFU_RATE_LIMITED', {
            what: 'uploads at once from this address',
            retryAfterMs: BUSY_RETRY_MS,
          })
      }
      const costs: Cost[] = [{ limiter: rates.uploads, key: `${uploader} ${conversation}`, what: 'uploads', amount: 1 }]
      if (address !== undefined)
        costs.push(
          { limiter: rates.addressUploads, key: address, what: 'uploads from this address', amount: 1 },
          { limiter: rates.addressBytes, key: address, what: 'bytes from this address', amount: fileBytes },
        )
      // All are asked before any is charged: one visitor whose uploads are refused must not use up what its address has for all.
      for (const { limiter, key, what, amount } of costs) {
        const retryAfterMs = limiter.wait(key, amount)
        if (retryAfterMs > 0) throw new KefuError('KEFU_RATE_LIMITED', { what, retryAfterMs })
      }
      const release = memory.reserve(memoryBytes)
      if (release === undefined) throw busy()
      for (const { limiter, key, amount } of costs) limiter.take(key, amount)
      // Staff shares one key, which nothing is compared with.
      const key = address ?? ''
      running.add(key)
      addressMemory.add(key, memoryBytes)
      return {
        end(bytes) {
          release()
          running.remove(key)
          addressMemory.remove(key, memoryBytes)
          if (address !== undefined && bytes < fileBytes) rates.addressBytes.give(address, fileBytes - bytes)
        },
      }
    },
  }
}

function busy(): KefuError {
  return new KefuError('KEFU_MEDIA_UNAVAILABLE', { reason: 'too many uploads at once', retryAfterMs: BUSY_RETRY_MS })
}
