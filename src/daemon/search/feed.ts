import { toKefuError } from '../../errors.js'
import { formatCursor, parseCursor } from '../core/cursor.js'
import { pause } from '../core/pause.js'
import type { Clock, LogEntry, LogPort } from '../core/ports.js'
import { packBatch } from './batch.js'
import type { Link } from './link.js'

/** What a feed stands on. */
export type FeedPorts = {
  readonly log: Pick<LogPort, 'tail' | 'cursor'>
  readonly clock: Clock
  readonly link: Pick<Link, 'feed'>
  /** Told once of each reason why the log cannot be read on. */
  unreadable(reason: string): void
}

/** Records of a batch, and those that the thread has been handed and has not worked off: what a search may have to wait for. */
const BATCH_BYTES = 128 * 1024
const AHEAD_BYTES = 512 * 1024
const AGAIN_MS = 10_000

/** Hands every record of the log to the thread, in order, from where its index ends. */
export class Feed {
  readonly #ports: FeedPorts
  #handed = 0
  #ahead = 0
  #stop: AbortController | undefined
  #running: Promise<void> = Promise.resolve()
  #reason: string | undefined
  readonly #heard = new Set<() => void>()

  constructor(ports: FeedPorts) {
    this.#ports = ports
  }

  /** The last record that was handed over. A question that is asked now is answered with it. */
  get handed(): number {
    return this.#handed
  }

  /** Why it cannot go on. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** Begins behind this record, with a thread that has nothing to do. */
  begin(indexedSeq: number): void {
    this.#handed = indexedSeq
    this.#ahead = 0
    const stop = new AbortController()
    this.#stop = stop
    this.#running = this.#running.then(() => this.#run(stop.signal))
  }

  /** Resolves when nothing is handed over any more; from now on the index counts as empty. */
  async end(): Promise<void> {
    this.#stop?.abort()
    this.#handed = 0
    this.#tell()
    await this.#running
  }

  /** The thread has worked off so many bytes. */
  fed(bytes: number): void {
    this.#ahead -= bytes
    this.#tell()
  }

  /** Resolves when a record has been handed over, or the time is over. */
  async reach(seq: number, timeoutMs: number): Promise<void> {
    if (this.#handed >= seq) return
    const late = new AbortController()
    const cancel = this.#ports.clock.after(timeoutMs, () => {
      late.abort()
      this.#tell()
    })
    while (this.#handed < seq && !late.signal.aborted) await this.#change()
    cancel()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log, clock, unreadable } = this.#ports
    while (!signal.aborted) {
      try {
        for await (const entries of log.tail(formatCursor(this.#handed), signal)) {
          this.#reason = undefined
          await this.#hand(entries, signal)
          if (signal.aborted) return
        }
        // The log is closed.
        return
      } catch (error) {
        const { message } = toKefuError(error)
        if (this.#reason !== message) unreadable(message)
        this.#reason = message
        await pause(clock, AGAIN_MS, signal)
      }
    }
  }

  async #hand(entries: readonly LogEntry[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < entries.length; ) {
      const first = at
      let bytes = 0
      while (at < entries.length && (at === first || bytes + entries[at]!.record.bytes.length <= BATCH_BYTES))
        bytes += entries[at++]!.record.bytes.length
      while (this.#ahead > 0 && this.#ahead + bytes > AHEAD_BYTES && !signal.aborted) await this.#change()
      if (signal.aborted) return
      const part = entries.slice(first, at)
      const { record } = part[0]!
      const upTo = part.at(-1)!.record.seq
      const origin = record.seq === 1 ? { origin: originOf(record) } : {}
      this.#ports.link.feed({ type: 'feed', batch: packBatch(part), upTo, ...origin })
      this.#ahead += bytes
      this.#handed = upTo
      this.#tell()
    }
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#heard.add(resolve))
  }

  #tell(): void {
    const heard = [...this.#heard]
    this.#heard.clear()
    for (const resolve of heard) resolve()
  }
}

/** Tells logs apart by their first record. */
export function originOf({ conversation, at }: Pick<LogEntry['record'], 'conversation' | 'at'>): string {
  return `${conversation}:${at}`
}

/** Position of the last durable record. */
export function lastSeq(log: Pick<LogPort, 'cursor'>): number {
  return parseCursor(log.cursor())
}
