import type { OutboxJob } from '../../core/ports.js'

/** Those that are remembered; of more the oldest are as if they had never been tried. */
const LIMIT = 100
/** What the others of the lane get to begin, besides the time that their turns take. */
const HEAD_START_MS = 1_000

/**
 * Messages at which the platform refused the whole channel. Whether that is the channel's fault or the message's own shows when another message is tried: after
 * a rest these give way once, and when one that was begun since has arrived, the refusal is their own. Not kept over a restart: then the lane rests once more.
 */
export class Suspects {
  /** By conversation and number, oldest first: whether it has given way since the last rest. */
  readonly #gaveWay = new Map<string, boolean>()
  /** Counts the newcomers. */
  #newest = 0
  /** The newest at the beginning of the last message that arrived. */
  #arrivedSince = -1

  /** A message is begun: what to say when it has arrived. */
  begin(): number {
    return this.#newest
  }

  /** A message has arrived. */
  arrived(begun: number): void {
    this.#arrivedSince = Math.max(this.#arrivedSince, begun)
  }

  /** Whether a message has to let others of the lane go first, and for how long then. */
  giveWayMs(job: OutboxJob, perSecond: number): number | undefined {
    const key = keyOf(job)
    if (this.#gaveWay.get(key) !== false || this.#isCleared) return undefined
    this.#gaveWay.set(key, true)
    return HEAD_START_MS + Math.ceil((this.#gaveWay.size * 1000) / Math.max(1, perSecond))
  }

  /** A message was refused as if the channel were down. Whether that is its own: others have arrived since it, and all like it, were. */
  isOwn(job: OutboxJob): boolean {
    const key = keyOf(job)
    if (this.#gaveWay.has(key)) return this.#isCleared
    if (this.#gaveWay.size >= LIMIT) this.#gaveWay.delete(this.#gaveWay.keys().next().value!)
    this.#gaveWay.set(key, false)
    this.#newest++
    return false
  }

  /** The lane begins to rest: after it they give way again. */
  rested(): void {
    for (const key of this.#gaveWay.keys()) this.#gaveWay.set(key, false)
  }

  /** It is not tried any more, or only when something has changed. */
  forget(job: OutboxJob): void {
    this.#gaveWay.delete(keyOf(job))
  }

  /** Somebody has changed something: all are tried as if for the first time. */
  clear(): void {
    this.#gaveWay.clear()
  }

  get #isCleared(): boolean {
    return this.#arrivedSince === this.#newest
  }
}

function keyOf({ conversation, n }: OutboxJob): string {
  return `${conversation} ${n}`
}
