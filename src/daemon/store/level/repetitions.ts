import { dedupeSide } from '../../core/conversation.js'
import type { LogRecord } from '../../core/log-record.js'
import { within } from '../../core/within.js'
import type { Append } from './append.js'
import type { Commit } from './commit.js'
import type { Conversation } from './conversation.js'
import { noAnswer } from './failure.js'
import { PlatformKeys } from './platform-keys.js'
import { readRecord } from './reader.js'
import type { WriterPorts } from './writer-ports.js'

type Commits = readonly (Commit | undefined)[]

/** Finds out whether an append repeats an earlier one: one under way, or one on disk, which is read and compared. */
export class Repetitions {
  readonly #ports: WriterPorts
  /** Appends under way by platform key. */
  readonly #platformFlights = new Map<string, Append>()

  constructor(ports: WriterPorts) {
    this.#ports = ports
  }

  /** The append under way that it repeats, `new`, or the numbers of the records on disk that `find` has to compare first (none: only the platform key). */
  judge(append: Append, ...underWay: Commits): Append | 'new' | readonly number[] {
    const { id, conversation, platformKey } = append
    let suspects = NONE
    if (id !== undefined) {
      const candidates = conversation.window?.of(append.side)?.candidates(id) ?? NONE
      if (candidates.length > 0) {
        const durableN = conversation.durable?.n ?? 0
        for (const n of candidates) {
          const first = n > durableN ? findFlight(append, n, underWay) : undefined
          if (first !== undefined) return first
        }
        suspects = candidates.filter(n => n <= durableN)
      }
    }
    if (platformKey === undefined) return suspects.length === 0 ? 'new' : suspects
    append.platformHash ??= PlatformKeys.hash(conversation.bytes, platformKey)
    if (suspects.length > 0) return suspects
    const first = this.#platformFlights.get(keyOf(append.platformHash))
    if (first !== undefined) return first
    // Keys are known within their conversation: of one that is not on disk there are none.
    return conversation.durable === null ? 'new' : suspects
  }

  /** The record on disk that the append repeats. When there is none, the append is marked as checked. Throws what reading throws, `KEFU_STORE_UNREADABLE` when it takes too long. */
  async find(append: Append, suspects: readonly number[]): Promise<LogRecord | undefined> {
    const { id, side, platformHash } = append
    for (const n of suspects) {
      const record = await this.#read(append, n)
      const { body } = record
      if (body.type === 'message' && body.id === id && dedupeSide(body) === side) return record
    }
    if (platformHash !== undefined) {
      const n = await this.#ports.platformKeys.lookup(platformHash)
      if (n !== undefined) return this.#read(append, n)
    }
    append.isChecked = true
    return undefined
  }

  #read({ conversation: { id, bytes } }: Append, n: number): Promise<LogRecord> {
    const { database, clock, limits } = this.#ports
    const { appendTimeoutMs } = limits
    return within(clock, appendTimeoutMs, readRecord(database, id, bytes, n), () => noAnswer(appendTimeoutMs))
  }

  /** An append with a platform key is under way: notes the key, durably with its commit. */
  took(append: Append, commit: Commit): void {
    const { platformHash, keyN } = append
    if (platformHash === undefined) return
    this.#ports.platformKeys.put(commit, platformHash, keyN)
    this.#platformFlights.set(keyOf(platformHash), append)
  }

  /** An append is on disk. */
  wrote({ platformHash }: Append): void {
    if (platformHash !== undefined) this.#platformFlights.delete(keyOf(platformHash))
  }

  /** Nothing is under way any more. */
  clear(): void {
    this.#platformFlights.clear()
  }
}

/** The last append to a conversation that is under way; there must be one. */
export function lastOf(conversation: Conversation<Append>, ...underWay: Commits): Append {
  const appends = underWay.flatMap(commit => commit?.appends ?? [])
  return appends.findLast(append => append.conversation === conversation)!
}

const NONE: readonly number[] = []

function findFlight(append: Append, n: number, underWay: Commits): Append | undefined {
  const { conversation, id, side } = append
  for (const commit of underWay) {
    const first = commit?.appends.find(
      other => other.conversation === conversation && other.id === id && other.side === side && other.keyN === n,
    )
    if (first !== undefined) return first
  }
  return undefined
}

function keyOf(platformHash: Buffer): string {
  return platformHash.toString('latin1')
}
