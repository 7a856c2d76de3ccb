import { setMaxListeners } from 'node:events'
import { KefuError } from '../../errors.js'
import type { AdapterPorts } from '../core/channel-adapter.js'

/** How much before its end a token is replaced. Short-lived ones: at half of their life. */
const EARLY_MS = 300_000

/** How often a new token may be forced: platforms count these, and each one breaks everybody else's. */
const FORCE_EVERY_MS = 600_000
const FORCED_A_DAY = 20
const DAY_MS = 86_400_000

/** How long a failure stands for all who ask: with a wrong secret every message and file would ask, and platforms block who does that some thousand times an hour. */
const FAILURE_MS = 2_000

/** What a platform answered when it was asked for a token. */
export type FetchedToken = { readonly token: string; readonly expiresInMs: number }

/** What tokens are made with. `force`: the platform shall make a new one even when the present one is said to be good. */
export type AccessTokenPorts = {
  readonly clock: AdapterPorts['clock']
  fetch(force: boolean, abort: AbortSignal): Promise<FetchedToken>
}

/** The access token of one channel. */
export type AccessTokens = {
  /**
   * The present token, fetched when there is none. All who ask at once share one call; who is aborted leaves it to the others, and the last one takes it along.
   * Throws `KEFU_ABORTED`, and what `fetch` throws, or threw within the last 2 seconds.
   */
  get(abort: AbortSignal): Promise<string>
  /** The platform has refused this token: forgets it, unless another one has taken its place. */
  drop(failed: string): void
  /**
   * As `drop`, and the next one is forced. For tokens that were refused right after they had been fetched. False: one was forced less than 10 minutes
   * ago or as many as a platform gives have been in the last 24 hours, and nothing has changed. Nothing of it is kept over a restart.
   */
  dropForced(failed: string): boolean
}

type Flight = {
  readonly token: Promise<string>
  readonly isForced: boolean
  readonly abort: AbortController
  waiting: number
}

/** A cache of one token. */
export function createAccessTokens({ clock, fetch }: AccessTokenPorts): AccessTokens {
  let current: { readonly token: string; readonly untilMs: number } | undefined
  let flight: Flight | undefined
  let failure: { readonly error: unknown; readonly untilMs: number } | undefined
  /** When the last ones were forced, oldest first. */
  let forcedAtMs: readonly number[] = []
  let isNextForced = false

  function start(): Flight {
    const abort = new AbortController()
    const started: Flight = { token: load(isNextForced, abort.signal), isForced: isNextForced, abort, waiting: 0 }
    isNextForced = false
    const end = () => {
      if (flight === started) flight = undefined
    }
    started.token.then(end, end)
    return started
  }

  async function load(force: boolean, abort: AbortSignal): Promise<string> {
    const { token, expiresInMs } = await fetch(force, abort).catch((error: unknown) => {
      if (!abort.aborted) failure = { error, untilMs: clock.monotonicMs() + FAILURE_MS }
      throw error
    })
    const untilMs = clock.monotonicMs() + expiresInMs - Math.min(EARLY_MS, expiresInMs / 2)
    if (!abort.aborted) current = { token, untilMs }
    return token
  }

  function drop(failed: string): void {
    if (current?.token === failed) current = undefined
  }

  return {
    async get(abort) {
      if (abort.aborted) throw new KefuError('KEFU_ABORTED')
      if (current !== undefined && clock.monotonicMs() < current.untilMs) return current.token
      if (failure !== undefined && clock.monotonicMs() < failure.untilMs) throw failure.error
      flight ??= start()
      const shared = flight
      return await share(shared, abort, () => {
        if (flight === shared) flight = undefined
      })
    },
    drop,
    dropForced(failed) {
      // Another one has come or is coming: that one has to be tried first.
      if ((current !== undefined && current.token !== failed) || isNextForced || flight?.isForced === true) return true
      const nowMs = clock.monotonicMs()
      forcedAtMs = forcedAtMs.filter(atMs => nowMs - atMs < DAY_MS)
      if (nowMs - (forcedAtMs.at(-1) ?? Number.NEGATIVE_INFINITY) < FORCE_EVERY_MS) return false
      if (forcedAtMs.length >= FORCED_A_DAY) return false
      forcedAtMs = [...forcedAtMs, nowMs]
      isNextForced = true
      drop(failed)
      return true
    },
  }
}

/** Waits for a shared call until it ends or this one is aborted. */
function share(flight: Flight, abort: AbortSignal, onDeserted: () => void): Promise<string> {
  // One signal may end all who wait, such as every account that is fetched from: a warning about that would be noise.
  setMaxListeners(0, abort)
  return new Promise((resolve, reject) => {
    flight.waiting += 1
    const leave = () => {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        onDeserted()
        flight.abort.abort()
      }
      reject(new KefuError('KEFU_ABORTED'))
    }
    abort.addEventListener('abort', leave, { once: true })
    flight.token.then(
      token => {
        abort.removeEventListener('abort', leave)
        resolve(token)
      },
      error => {
        abort.removeEventListener('abort', leave)
        reject(error)
      },
    )
  })
}
