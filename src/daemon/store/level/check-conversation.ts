import { formatConversationId } from '../../../codec/conversation-id.js'
import {
  feedKey,
  idWindowKey,
  KEY,
  parseRecordKey,
  placeValue,
  recordKey,
  textConversationKey,
  textSeqKey,
  waitingKey,
} from '../../../codec/keys.js'
import { type RecordStamp, readStamp } from '../../../codec/record.js'
import { agentOwner, owners, reduce } from '../../core/conversation.js'
import { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { StoreFinding } from '../../core/ports.js'
import { depart, NO_DEPARTURES } from '../../core/projection.js'
import type { Database } from './database.js'
import { readFailure } from './failure.js'
import { encodeHead, type HeadValue } from './head-value.js'
import { IdWindow } from './id-window.js'
import { readHead } from './read-conversation.js'

const PAGE = 500
/** Looks at a conversation that changes while it is looked at. */
const ATTEMPTS = 5

/** What was found in one conversation, and how many records were read (deep) or it should have. */
export type ConversationCheck = { readonly findings: readonly StoreFinding[]; readonly records: number }

/**
 * Everything that can be wrong with one conversation: its head against its last record; and when `isDeep` every record's CRC, number and chain, its
 * place in the feed, and the head, inbox, waiting and active entries against what the records say.
 */
export async function checkConversation(
  database: Database,
  conversation: Uint8Array,
  isDeep: boolean,
): Promise<ConversationCheck> {
  const id = formatConversationId(conversation)
  let stored: HeadValue | null = null
  const findings: StoreFinding[] = []
  try {
    stored = await steadyHead(database, conversation)
  } catch (error) {
    findings.push({ kind: 'head', conversation: id, message: readFailure(error, `conversation ${id}`).message })
  }
  if (!isDeep) return { findings, records: stored?.head.n ?? 0 }
  const replay = new Replay(database, conversation, stored)
  await replay.run()
  findings.push(...replay.findings)
  if (stored !== null && replay.standing !== undefined)
    findings.push(...(await checkProjection(database, conversation, stored, replay.standing, replay.window)))
  return { findings, records: replay.records }
}

/** `readHead` of a conversation that may be written to: head and last record are read one after the other, so a disagreement is looked at again. */
export async function steadyHead(database: Database, conversation: Uint8Array): Promise<HeadValue | null> {
  const id = formatConversationId(conversation)
  for (let attempt = 1; ; attempt++) {
    try {
      return await readHead(database, id, conversation)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

/** Reads the records up to `lastN` and recomputes where the conversation stands. */
class Replay {
  readonly findings: StoreFinding[] = []
  records = 0
  readonly #database: Database
  readonly #conversation: Uint8Array
  readonly #lastN: number
  #isWhole = true
  #previous: RecordStamp | undefined
  #head: Head | null = null
  #departures: HeadValue['departures'] = NO_DEPARTURES
  readonly #windowN: number
  readonly #ids = new IdWindow()
  /** What its window was when it was saved; undefined for never. */
  window: Uint8Array | undefined

  constructor(database: Database, conversation: Uint8Array, stored: HeadValue | null) {
    this.#database = database
    this.#conversation = conversation
    this.#lastN = stored?.head.n ?? Number.MAX_SAFE_INTEGER
    this.#windowN = stored?.windowN ?? 0
  }

  /** The standing; undefined when a record is missing or damaged. */
  get standing(): HeadValue | undefined {
    if (!this.#isWhole || this.#head === null) return undefined
    return { head: this.#head, departures: this.#departures, windowN: this.#windowN }
  }

  async run(): Promise<void> {
    const id = formatConversationId(this.#conversation)
    let expected = 1
    while (expected <= this.#lastN) {
      const page = await this.#database.page({
        from: recordKey(this.#conversation, expected),
        to: recordKey(this.#conversation, this.#lastN),
        limit: PAGE,
      })
      const stamps: RecordStamp[] = []
      for (const [key, value] of page) {
        const { n } = parseRecordKey(key)
        if (n !== expected) this.#report('gap', expected, `the records n ${expected} to ${n - 1} are missing`)
        expected = n + 1
        this.records++
        try {
          const stamp = readStamp(value, this.#conversation)
          stamps.push(stamp)
          this.#follow(n, stamp, new LogRecord(id, stamp, value))
        } catch (error) {
          this.#previous = undefined
          this.#report('crc', n, readFailure(error, 'the record').message)
        }
      }
      await this.#checkFeed(stamps)
      if (page.length < PAGE) break
    }
  }

  #follow(n: number, stamp: RecordStamp, record: LogRecord): void {
    if (stamp.n !== n) this.#report('crc', n, `the record says n ${stamp.n}`)
    if (this.#previous !== undefined && stamp.prev !== this.#previous.seq)
      this.#report('gap', n, 'the record before it is not the one it follows')
    this.#previous = stamp
    if (!this.#isWhole) return
    const { body } = record
    const next: Head = reduce(record.conversation, this.#head, stamp, body)
    this.#departures = depart(this.#head, this.#departures, next)
    this.#head = next
    this.#ids.note(body, n)
    if (n === this.#windowN) this.window = this.#ids.seal(idWindowKey(this.#conversation), n)
  }

  async #checkFeed(stamps: readonly RecordStamp[]): Promise<void> {
    const id = formatConversationId(this.#conversation)
    const places = await this.#database.getMany(stamps.map(({ seq }) => feedKey(seq)))
    for (const [i, { seq, n }] of stamps.entries()) {
      const place = places[i]
      if (place !== undefined && Buffer.compare(place, placeValue(this.#conversation, n)) === 0) continue
      const message = `seq ${seq} of the feed is not conversation ${id} n ${n}`
      this.findings.push({ kind: 'feed', conversation: id, n, seq, message })
    }
  }

  #report(kind: string, n: number, message: string): void {
    this.#isWhole = false
    const id = formatConversationId(this.#conversation)
    this.findings.push({ kind, conversation: id, n, message: `conversation ${id} n ${n}: ${message}` })
  }
}

/** What the projection says, against what it should say. Nothing when the conversation goes on meanwhile: it says something else then. */
async function checkProjection(
  database: Database,
  conversation: Uint8Array,
  stored: HeadValue,
  standing: HeadValue,
  window: Uint8Array | undefined,
): Promise<StoreFinding[]> {
  const { head, departures } = standing
  const { conversation: id, n } = head
  const findings: StoreFinding[] = []
  const report = (text: string) =>
    findings.push({ kind: 'head', conversation: id, n, message: `conversation ${id} n ${n}: ${text}` })
  if (Buffer.compare(encodeHead(stored, 0), encodeHead(standing, 0)) !== 0)
    report('its head does not follow from its records')
  const saved = window === undefined ? undefined : await database.get(idWindowKey(conversation))
  if (window !== undefined && (saved === undefined || Buffer.compare(saved, window) !== 0))
    report('its window of recent ids does not follow from its records')
  const expected: { readonly key: Uint8Array; readonly what: string }[] = []
  const present = owners(head).map(owner => ({ owner, seq: head.seq }))
  const left = departures.map(({ agent, seq }) => ({ owner: agentOwner(agent), seq }))
  for (const { owner, seq } of [...present, ...left])
    expected.push({ key: textSeqKey(KEY.inbox, owner, seq), what: `the inbox of ${owner} at seq ${seq}` })
  if (head.waitingSince !== undefined)
    expected.push({ key: waitingKey(head.waitingSince, conversation), what: 'the waiting line' })
  if (head.agent !== undefined)
    expected.push({
      key: textConversationKey(KEY.active, head.agent, conversation),
      what: `the conversations of ${head.agent}`,
    })
  const found = await database.getMany(expected.map(entry => entry.key))
  for (const [i, { what }] of expected.entries()) if (found[i] === undefined) report(`it is missing in ${what}`)
  if (findings.length === 0) return findings
  const now = await steadyHead(database, conversation)
  return now !== null && now.head.seq === stored.head.seq ? findings : []
}
