import { KefuError } from '../../errors.js'
import { createBudget } from './budget.js'
import { addressKey, type RateLimiter } from './rate-limit.js'
import { createTally } from './tally.js'

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

/** When to try again after uploads that run. */
const BUSY_RETRY_MS = 1_000

/** The admission of a daemon's uploads. */
export function createUploadAdmission(rates: UploadRates, bounds: UploadBounds): UploadAdmission {
  const running = createTally()
  const memory = createBudget(bounds.memoryBytes)
  const addressMemory = createTally()

  const spend = (limiter: RateLimiter, key: string, what: string, cost = 1): void => {
    const retryAfterMs = limiter.take(key, cost)
    if (retryAfterMs > 0) throw new KefuError('KEFU_RATE_LIMITED', { what, retryAfterMs })
  }

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
      const release = memory.reserve(memoryBytes)
      if (release === undefined) throw busy()
      try {
        if (address !== undefined) spend(rates.addressUploads, address, 'uploads from this address')
        spend(rates.uploads, `${uploader} ${conversation}`, 'uploads')
        if (address !== undefined) spend(rates.addressBytes, address, 'bytes from this address', fileBytes)
      } catch (error) {
        release()
        throw error
      }
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
