import { type ConversationId, formatConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import {
  KEY,
  parseTextConversationKey,
  parseTextSeqKey,
  parseWaitingKey,
  receiptKey,
  textConversationKey,
  textSeqKey,
  waitingKey,
} from '../../../codec/keys.js'
import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Cursor, InboxPosition, Receipt, ViewPort } from '../../core/ports.js'
import { placeOf } from '../../core/projection.js'
import type { Conversation } from './conversation.js'
import type { Database, Pair } from './database.js'
import { damaged, readFailure } from './failure.js'
import type { DigestName } from './format.js'
import type { LiveFeed } from './live-feed.js'
import type { ConversationLoader } from './loader.js'
import type { LogWriter } from './writer.js'

const CHUNK = 128
const ZERO_ID = new Uint8Array(16)
const LAST_ID = new Uint8Array(16).fill(0xff)

type Ports = {
  readonly database: Database
  readonly loader: ConversationLoader
  readonly feed: LiveFeed
  readonly writer: LogWriter
  /** Whether the disk may show a write that was refused as failed. */
  readonly isRecovering: () => boolean
}

/**
 * Reads of the projection. Every entry is compared with the head of its conversation: what does not agree is damage, unless the conversation has moved
 * on while the page was read.
 */
export class View implements ViewPort {
  readonly #ports: Ports
  #unsound: ReadonlySet<DigestName> = new Set()
  #activeCounts = new Map<string, number>()
  #resets = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Starts over from what the disk holds. Sets that have lost members are not served. */
  reset(active: ReadonlyMap<string, number>, unsound: ReadonlySet<DigestName>): void {
    this.#activeCounts = new Map(active)
    this.#unsound = unsound
    this.#resets++
  }

  /** Takes the changes of a commit: agent, difference, agent … */
  changed(activeChanges: readonly (string | number)[]): void {
    for (let i = 0; i + 1 < activeChanges.length; i += 2) {
      const agent = activeChanges[i] as string
      const count = (this.#activeCounts.get(agent) ?? 0) + (activeChanges[i + 1] as number)
      if (count === 0) this.#activeCounts.delete(agent)
      else this.#activeCounts.set(agent, count)
    }
  }

  async inbox(
    owner: string,
    range: { readonly after: Cursor; readonly before?: Cursor; readonly limit: number },
  ): Promise<{ entries: InboxPosition[]; more: boolean }> {
    this.#expectSound(`inbox:${owner}`)
    const after = parseCursor(range.after)
    const entries: InboxPosition[] = []
    let below = range.before === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(range.before)
    while (below > after + 1) {
      const from = textSeqKey(KEY.inbox, owner, after + 1)
      const to = textSeqKey(KEY.inbox, owner, below - 1)
      const limit = Math.min(CHUNK, range.limit - entries.length + 1)
      const [page, heads] = await this.#scan(
        `the inbox of ${owner}`,
        { from, to, limit, reverse: true },
        ([, value]) => value,
      )
      for (const [i, [key]] of page.entries()) {
        const { seq } = parseTextSeqKey(KEY.inbox, key)
        const { conversation, isMoved } = heads[i]!
        const head = conversation.durable
        if (!isMoved && (head === null || placeOf(owner, head, conversation.durableDepartures) !== seq))
          throw this.#disagreement(
            `the inbox of ${owner} at seq ${seq} does not agree with conversation ${conversation.id} n ${head?.n ?? 0}`,
          )
        if (entries.length === range.limit) return { entries, more: true }
        entries.push({ head: head!, cursor: formatCursor(seq) })
        below = seq
      }
      if (page.length < limit) break
    }
    return { entries, more: false }
  }

  async waiting(
    limit: number,
    after?: { readonly sinceMs: number; readonly conversation: ConversationId },
  ): Promise<Head[]> {
    this.#expectSound('waiting')
    let from: Uint8Array =
      after === undefined
        ? waitingKey(0, ZERO_ID)
        : next(waitingKey(after.sinceMs, parseConversationId(after.conversation)))
    const to = waitingKey(Number.MAX_SAFE_INTEGER, LAST_ID)
    const found: Head[] = []
    while (found.length < limit) {
      const chunk = Math.min(CHUNK, limit - found.length)
      const [page, heads] = await this.#scan(
        'the waiting line',
        { from, to, limit: chunk },
        ([key]) => parseWaitingKey(key).conversation,
      )
      for (const [i, [key]] of page.entries()) {
        const { conversation, isMoved } = heads[i]!
        const head = conversation.durable
        from = next(key)
        if (head?.waitingSince === parseWaitingKey(key).sinceMs) found.push(head)
        else if (!isMoved)
          throw this.#disagreement(
            `the waiting line does not agree with conversation ${conversation.id} n ${head?.n ?? 0}`,
          )
      }
      if (page.length < chunk) break
    }
    return found
  }

  async activeCounts(): Promise<ReadonlyMap<string, number>> {
    this.#expectSound('active')
    return new Map(this.#activeCounts)
  }

  async active(agent: string, limit: number): Promise<Head[]> {
    this.#expectSound('active')
    let from: Uint8Array = textConversationKey(KEY.active, agent, ZERO_ID)
    const to = textConversationKey(KEY.active, agent, LAST_ID)
    const found: Head[] = []
    while (found.length < limit) {
      const chunk = Math.min(CHUNK, limit - found.length)
      const [page, heads] = await this.#scan(
        `the conversations of ${agent}`,
        { from, to, limit: chunk },
        ([key]) => parseTextConversationKey(KEY.active, key).conversation,
      )
      for (const [i, [key]] of page.entries()) {
        const { conversation, isMoved } = heads[i]!
        const head = conversation.durable
        from = next(key)
        if (head?.agent === agent) found.push(head)
        else if (!isMoved)
          throw this.#disagreement(
            `the conversations of ${agent} do not agree with conversation ${conversation.id} n ${head?.n ?? 0}`,
          )
      }
      if (page.length < chunk) break
    }
    return found
  }

  async receipt(conversation: ConversationId, reader: string): Promise<Receipt | null> {
    const key = receiptKey(parseConversationId(conversation), reader)
    try {
      const value = await this.#ports.database.get(key)
      if (value === undefined) return null
      const [acknowledged, read] = openValue(key, value) as [number, number]
      return { conversation, reader, acknowledged, read }
    } catch (error) {
      throw readFailure(error, `a receipt of conversation ${conversation}`)
    }
  }

  async putReceipts(receipts: readonly Receipt[]): Promise<void> {
    if (receipts.length === 0) return
    const pairs = receipts.map(({ conversation, reader, acknowledged, read }): Pair => {
      const key = receiptKey(parseConversationId(conversation), reader)
      return [key, sealValue(key, [acknowledged, read])]
    })
    await this.#ports.writer.writeUnsynced(batch => {
      for (const [key, value] of pairs) batch.put(key, value)
    })
  }

  /**
   * A page of keys and the conversations they name, loaded. `isMoved`: it has records that are newer than the page, or that became durable while the
   * page was read.
   */
  async #scan(
    where: string,
    range: { from: Uint8Array; to: Uint8Array; limit: number; reverse?: boolean },
    conversationOf: (pair: Pair) => Uint8Array,
  ): Promise<[Pair[], { readonly conversation: Conversation; readonly isMoved: boolean }[]]> {
    const { database, loader, feed, writer } = this.#ports
    const durableSeq = feed.durableSeq
    const resets = this.#resets
    try {
      const page = await database.page(range)
      // The page may show a commit that has not been reported durable yet.
      await writer.settled()
      const conversations = await loader.loadAll(page.map(pair => formatConversationId(conversationOf(pair))))
      // Conversations from before and after a recovery do not show the same writes.
      if (this.#resets !== resets) throw recovering()
      return [
        page,
        conversations.map(conversation => {
          const isMoved = conversation.durable !== null && conversation.durable.seq > durableSeq
          return { conversation, isMoved }
        }),
      ]
    } catch (error) {
      throw readFailure(error, where)
    }
  }

  #disagreement(where: string): KefuError {
    if (this.#ports.isRecovering()) return recovering()
    return damaged(where)
  }

  #expectSound(name: DigestName): void {
    if (this.#unsound.has(name)) throw damaged(`the set "${name}" is not what was last written`)
  }
}

function recovering(): KefuError {
  return new KefuError('KEFU_STORE_UNREADABLE', { reason: 'it is being recovered' })
}

function next(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Uint8Array.of(0)])
}
