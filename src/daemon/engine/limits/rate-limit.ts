import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../core/ports.js'

/** How often something may happen. */
export type Rate = {
  /** How many at once after a quiet time. At least 1. */
  readonly burst: number
  /** How many a second in the long run. */
  readonly perSecond: number
}

/** How often something may happen, per key. */
export type RateLimit = Rate & {
  /** Keys that are remembered; above it the one that was used the longest ago is forgotten, and starts with a full burst when it comes back. */
  readonly keyLimit: number
}

/** Token buckets by key, in bounded memory, on the monotonic clock. Every call is O(1); there are no timers. */
export type RateLimiter = {
  /** Uses up `cost` (at most a whole burst counts): 0 when allowed, else the milliseconds after which it will be; a refused call uses up nothing. */
  take(key: string, cost?: number): number
  /** Gives back what a call of `take` used up; never more than a burst is there. */
  give(key: string, amount: number): void
  /** What `take` would return, without using anything up or remembering the key. */
  wait(key: string, cost?: number): number
  /** Another rate from now on. What was used up stays so. */
  setRate(rate: Rate): void
  /** The rate in force. */
  readonly rate: Rate
  /** Keys remembered now. */
  readonly size: number
}

type Bucket = { tokens: number; atMs: number }

/** Longer keys are remembered by their digest, so that a key's size is bounded whoever chose it. */
const KEY_LENGTH = 128
/** What sums of fractions may lack: who waited as long as told is let through. */
const ROUNDING = 1e-6

/** A limiter whose memory is at most `keyLimit` keys of 128 characters. */
export function createRateLimiter(clock: Pick<Clock, 'monotonicMs'>, limit: RateLimit): RateLimiter {
  const { keyLimit } = limit
  let { burst, perSecond } = limit
  let perMs = perSecond / 1000
  // A Map iterates in the order of insertion: moving a key to the end at each use keeps the least recently used one first.
  const buckets = new Map<string, Bucket>()

  const tokensNow = (bucket: Bucket, nowMs: number) =>
    Math.min(burst, bucket.tokens + Math.max(0, nowMs - bucket.atMs) * perMs)
  const shortfallMs = (tokens: number, needed: number) =>
    tokens >= needed - ROUNDING ? 0 : Math.max(1, Math.ceil((needed - tokens) / perMs - ROUNDING))

  return {
    take(text, cost = 1) {
      const key = text.length > KEY_LENGTH ? digest(text) : text
      const needed = Math.min(cost, burst)
      const nowMs = clock.monotonicMs()
      const known = buckets.get(key)
      if (known === undefined) {
        if (buckets.size >= keyLimit) buckets.delete(buckets.keys().next().value!)
        buckets.set(flatCopy(key), { tokens: burst - needed, atMs: nowMs })
        return 0
      }
      const tokens = tokensNow(known, nowMs)
      const waitMs = shortfallMs(tokens, needed)
      known.tokens = waitMs === 0 ? Math.max(0, tokens - needed) : tokens
      known.atMs = nowMs
      buckets.delete(key)
      buckets.set(key, known)
      return waitMs
    },
    give(text, amount) {
      // A key that was forgotten has a full burst.
      const known = buckets.get(text.length > KEY_LENGTH ? digest(text) : text)
      if (known !== undefined) known.tokens = Math.min(burst, known.tokens + amount)
    },
    wait(text, cost = 1) {
      const bucket = buckets.get(text.length > KEY_LENGTH ? digest(text) : text)
      return bucket === undefined ? 0 : shortfallMs(tokensNow(bucket, clock.monotonicMs()), Math.min(cost, burst))
    },
    setRate(rate) {
      burst = rate.burst
      perSecond = rate.perSecond
      perMs = perSecond / 1000
    },
    get rate() {
      return { burst, perSecond }
    },
    get size() {
      return buckets.size
    },
  }
}

/**
 * The key under which an address is limited: an IPv4 address itself (also when it comes mapped into IPv6), of an IPv6 address its /64 network, because
 * one host has all of it. What is no address is its own key.
 */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const groups = expandIPv6(address)
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff)
    return [groups[6]! >>> 8, groups[6]! & 255, groups[7]! >>> 8, groups[7]! & 255].join('.')
  return `${groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')}::/64`
}

/** The eight groups of a valid IPv6 address. */
function expandIPv6(address: string): readonly number[] {
  const [head = '', tail] = address.split('%', 1)[0]!.split('::', 2)
  const first = parseGroups(head)
  if (tail === undefined) return first
  const last = parseGroups(tail)
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}

function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

// The engine may hand in a slice of a large frame's text, which would keep all of that text alive.
function flatCopy(key: string): string {
  return Buffer.from(key, 'utf16le').toString('utf16le')
}

function digest(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('base64')
}
