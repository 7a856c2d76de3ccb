import { type Takeover, takeOver } from './config/reload.js'
import type { Config } from './config/schema.js'
import type { Clock } from './core/ports.js'
import type { EngineOptions } from './engine/engine-ports.js'
import { createRateLimiter, type Rate, type RateLimiter } from './engine/limits/rate-limit.js'
import type { DownloadBounds } from './engine/media/download-admission.js'
import type { UploadBounds } from './engine/media/upload-admission.js'
import type { Log } from './observe/log.js'

/** The configuration in use, in the forms in which the parts of a daemon read it. They read at each use, so that a change holds from then on. */
export type LiveSettings = {
  readonly config: Config
  readonly engine: EngineOptions
  readonly uploads: UploadBounds
  readonly downloads: DownloadBounds
  readonly limits: { readonly [L in keyof typeof RATES]: RateLimiter }
  /** Takes over what can change while the daemon runs. What limiters count stays counted. */
  take(next: Config): Takeover
}

const KEYS_REMEMBERED = 100_000
/** Frames other than messages that a visitor may send in ten seconds. */
const FRAMES_PER_10S = 300
/** Largest uploads that fit into the memory for uploads. */
const UPLOADS_IN_MEMORY = 4
/** Downloads at once for each upload at once: a page with many pictures fetches them together, and an office has one address. */
const DOWNLOADS_PER_UPLOAD = 16

type LimitSettings = Config['limits']

const RATES = {
  messages: (limits: LimitSettings) => per(limits.messagesPer10s, 10),
  openings: (limits: LimitSettings) => per(limits.newConversationsPerHour, 3_600),
  failures: (limits: LimitSettings) => per(limits.authFailuresPerMinute, 60),
  frames: () => per(FRAMES_PER_10S, 10),
  uploads: (limits: LimitSettings) => per(limits.uploadsPerMinute, 60),
  addressUploads: (limits: LimitSettings) => per(limits.uploadsPerMinutePerAddress, 60),
  addressBytes: (limits: LimitSettings) => per(limits.uploadBytesPerHourPerAddress, 3_600),
} as const satisfies Readonly<Record<string, (limits: LimitSettings) => Rate>>

/** The settings of a daemon that starts with `start`. */
export function createLiveSettings(start: Config, clock: Clock, log: Pick<Log, 'setLevel'>): LiveSettings {
  let config = start
  const limiter = (rate: (limits: LimitSettings) => Rate): RateLimiter =>
    createRateLimiter(clock, { ...rate(start.limits), keyLimit: KEYS_REMEMBERED })
  const limits = {
    messages: limiter(RATES.messages),
    openings: limiter(RATES.openings),
    failures: limiter(RATES.failures),
    frames: limiter(RATES.frames),
    uploads: limiter(RATES.uploads),
    addressUploads: limiter(RATES.addressUploads),
    addressBytes: limiter(RATES.addressBytes),
  }
  return {
    get config() {
      return config
    },
    engine: {
      get helloTimeoutMs() {
        return config.limits.helloTimeoutMs
      },
      get greetingLimit() {
        return config.limits.connectionsPerAddress
      },
      get awayAfterMs() {
        return config.presence.awayAfterMs
      },
      get requeueAfterMs() {
        return config.presence.requeueAfterMs
      },
      routing: {
        get strategy() {
          return config.routing.strategy
        },
        get stickyMs() {
          return config.routing.stickyWindowMs
        },
        capacity: start.routing.capacity,
      },
    },
    uploads: {
      get atOnce() {
        return config.limits.uploadsAtOnce
      },
      get atOncePerAddress() {
        return config.limits.uploadsAtOncePerAddress
      },
      memoryBytes: UPLOADS_IN_MEMORY * start.limits.uploadBytes,
    },
    downloads: {
      get atOncePerAddress() {
        return DOWNLOADS_PER_UPLOAD * config.limits.uploadsAtOncePerAddress
      },
    },
    limits,
    take(next) {
      const takeover = takeOver(config, next)
      config = takeover.config
      for (const name of Object.keys(RATES) as (keyof typeof RATES)[]) limits[name].setRate(RATES[name](config.limits))
      log.setLevel(config.log.level)
      return takeover
    },
  }
}

/** So many at once, and as many again in the seconds. */
function per(count: number, seconds: number): Rate {
  return { burst: count, perSecond: count / seconds }
}
