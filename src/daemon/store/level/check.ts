import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ConversationId, formatConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import {
  feedKey,
  headKey,
  KEY,
  parseFeedKey,
  parseRecordKey,
  parseTextConversationKey,
  parseTextSeqKey,
  parseWaitingKey,
  recordKey,
} from '../../../codec/keys.js'
import { isKefuError, KefuError } from '../../../errors.js'
import { outboxLane } from '../../core/conversation.js'
import type { Store, StoreCheck, StoreFinding } from '../../core/ports.js'
import { placeOf } from '../../core/projection.js'
import { type ConversationCheck, checkConversation, steadyHead } from './check-conversation.js'
import type { Database, Pair } from './database.js'
import { Findings } from './findings.js'
import type { HeadValue } from './head-value.js'
import { eachPage } from './inspect.js'
import { parseRow } from './outbox-row.js'
import { readRecord } from './reader.js'

const PAGE = 1_000
const LAST_ID = new Uint8Array(16).fill(0xff)

type Ports = {
  readonly database: Database
  readonly durableSeq: () => number
  /** What was found when the store was opened. */
  readonly damage: () => readonly StoreFinding[]
  /** Of how many conversations something was forgotten so far; undefined while it is of this one. */
  readonly erasures: (conversation: ConversationId) => number | undefined
}

/**
 * Checks a store that may be in use, page by page in bounded memory. A place that changes while it is looked at is looked at again. Throws
 * `KEFU_ABORTED`; whatever cannot be read is a finding.
 */
export async function checkStore(ports: Ports, options: Parameters<Store['check']>[0]): Promise<StoreCheck> {
  const check = new Check(ports, options)
  await check.run()
  const { findings, records, conversations } = check
  return { deep: options.deep, records, conversations, findings: findings.list }
}

class Check {
  readonly findings = new Findings()
  records = 0
  conversations = 0
  readonly #ports: Ports
  readonly #options: Parameters<Store['check']>[0]
  readonly #lastSeq: number
  readonly #total: number
  #done = 0

  constructor(ports: Ports, options: Parameters<Store['check']>[0]) {
    this.#ports = ports
    this.#options = options
    this.#lastSeq = ports.durableSeq()
    this.#total = this.#lastSeq * 2
  }

  async run(): Promise<void> {
    for (const finding of this.#ports.damage()) this.findings.add(finding)
    await this.#guard('the feed', () => this.#checkFeed())
    await this.#guard('the conversations', () => this.#checkConversations())
    if (this.#options.deep) {
      await this.#guard('the inboxes', () => this.#checkInboxes())
      await this.#guard('the waiting line', () => this.#checkWaiting())
      await this.#guard('the open conversations', () => this.#checkActive())
      await this.#guard('the outbox', () => this.#checkOutbox())
    }
    this.#options.onProgress?.(this.#total, this.#total)
  }

  async #guard(where: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isKefuError(error, 'KEFU_ABORTED')) throw error
      this.findings.unreadable(error, where)
    }
  }

  /** Lets others have a turn. */
  async #step(count: number): Promise<void> {
    this.#done = Math.min(this.#total, this.#done + count)
    this.#options.onProgress?.(this.#done, this.#total)
    await nextTurn()
    if (this.#options.signal?.aborted) throw new KefuError('KEFU_ABORTED')
  }

  async #checkFeed(): Promise<void> {
    const last = this.#lastSeq
    let expected = 1
    while (expected <= last) {
      const page = await this.#ports.database.page({ from: feedKey(expected), to: feedKey(last), limit: PAGE })
      for (const [key] of page) {
        const seq = parseFeedKey(key)
        this.findings.missingInFeed(expected, seq - 1)
        expected = seq + 1
      }
      await this.#step(page.length)
      if (page.length < PAGE) break
    }
    this.findings.missingInFeed(expected, last)
  }

  /** Visits everything that has a head or a record, in the order of the ids. */
  async #checkConversations(): Promise<void> {
    let from: Uint8Array | undefined = new Uint8Array(16)
    while (from !== undefined) {
      const conversation = await this.#nextConversation(from)
      if (conversation === undefined) return
      await this.#guard(`conversation ${formatConversationId(conversation)}`, async () => {
        const { findings, records } = await this.#checkConversation(conversation)
        for (const finding of findings) this.findings.add(finding)
        this.records += records
        await this.#step(records)
      })
      this.conversations++
      from = successor(conversation)
    }
  }

  /** One that is forgotten meanwhile is looked at again afterwards. */
  async #checkConversation(conversation: Uint8Array): Promise<ConversationCheck> {
    const { database, erasures } = this.#ports
    const id = formatConversationId(conversation)
    for (;;) {
      const before = erasures(id)
      const check = await checkConversation(database, conversation, this.#options.deep)
      if (check.findings.length === 0 || (before !== undefined && before === erasures(id))) return check
      await this.#step(0)
    }
  }

  async #nextConversation(from: Uint8Array): Promise<Uint8Array | undefined> {
    const { database } = this.#ports
    const [[head], [record]] = await Promise.all([
      database.page({ from: headKey(from), to: headKey(LAST_ID), limit: 1 }),
      database.page({ from: recordKey(from, 0), to: recordKey(LAST_ID, Number.MAX_SAFE_INTEGER), limit: 1 }),
    ])
    const candidates = [head?.[0].subarray(1), record && parseRecordKey(record[0]).conversation]
    return candidates
      .filter(candidate => candidate !== undefined)
      .sort(Buffer.compare)
      .at(0)
  }

  #checkInboxes(): Promise<void> {
    return this.#checkEntries(KEY.inbox, ([key, value]) => {
      const { text: owner, seq } = parseTextSeqKey(KEY.inbox, key)
      return {
        conversation: value,
        what: `the inbox of ${owner} at seq ${seq}`,
        isRight: ({ head, departures }) => placeOf(owner, head, departures) === seq,
      }
    })
  }

  #checkWaiting(): Promise<void> {
    return this.#checkEntries(KEY.waiting, ([key]) => {
      const { conversation, sinceMs } = parseWaitingKey(key)
      return { conversation, what: 'the waiting line', isRight: ({ head }) => head.waitingSince === sinceMs }
    })
  }

  #checkActive(): Promise<void> {
    return this.#checkEntries(KEY.active, ([key]) => {
      const { conversation, text: agent } = parseTextConversationKey(KEY.active, key)
      return { conversation, what: `the conversations of ${agent}`, isRight: ({ head }) => head.agent === agent }
    })
  }

  /** Every entry of a set must be what its conversation's head says, or be gone when it is looked at again. */
  async #checkEntries(
    prefix: number,
    describe: (pair: Pair) => {
      readonly conversation: Uint8Array
      readonly what: string
      readonly isRight: (value: HeadValue) => boolean
    },
  ): Promise<void> {
    const { database } = this.#ports
    await eachPage(database, Uint8Array.of(prefix), async page => {
      for (const pair of page) {
        const { conversation, what, isRight } = describe(pair)
        const id = formatConversationId(conversation)
        await this.#guard(`conversation ${id} in ${what}`, async () => {
          const value = await steadyHead(database, conversation)
          if (value !== null && isRight(value)) return
          // It may have moved on and come back: only what stands beside a head that stays is wrong.
          if ((await database.get(pair[0])) === undefined) return
          if ((await steadyHead(database, conversation))?.head.seq !== value?.head.seq) return
          const n = value?.head.n ?? 0
          const message = `conversation ${id} n ${n}: ${what} has it, its head says otherwise`
          this.findings.add({ kind: 'head', conversation: id, n, message })
        })
      }
      await this.#step(0)
    })
  }

  async #checkOutbox(): Promise<void> {
    const { database } = this.#ports
    await eachPage(database, Uint8Array.of(KEY.outbox), async page => {
      for (const [key, value] of page) {
        await this.#guard('a row of the outbox', async () => {
          const { lane, conversation: id, n, seq } = parseRow(key, value)
          const conversation = parseConversationId(id)
          const record = await readRecord(database, id, conversation, n)
          const head = await steadyHead(database, conversation)
          if (record.seq === seq && head !== null && outboxLane(head.head, record.body, record.flags) === lane) return
          const message = `conversation ${id} n ${n}: the outbox row seq ${seq} of ${lane} is not of this record`
          this.findings.add({ kind: 'head', conversation: id, n, seq, message })
        })
      }
      await this.#step(0)
    })
  }
}

/** The next id in order; undefined after the last. */
function successor(conversation: Uint8Array): Uint8Array | undefined {
  const next = Buffer.from(conversation)
  for (let i = next.length - 1; i >= 0; i--) {
    if (next[i]! < 0xff) {
      next[i]!++
      return next
    }
    next[i] = 0
  }
  return undefined
}
