import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author, Marks } from '../../../codec/wire.js'
import { isKefuError } from '../../../errors.js'
import type { Head } from '../../core/model.js'
import type { Clock, Receipt, ViewPort } from '../../core/ports.js'
import type { Audience } from './notices.js'

/** What receipts stand on. */
export type ReceiptPorts = {
  readonly view: Pick<ViewPort, 'receipt' | 'putReceipts'>
  readonly clock: Clock
  /** One side has got further: called at most once for each number of a mark, and for the furthest of those that came in an interval only. */
  tell(news: MarkNews): void
  /** An error that no client waits for. */
  report(error: unknown): void
}

/** A mark that moved on. `head`: the conversation as it stood when that was noted. */
export type MarkNews = {
  readonly head: Head
  readonly by: Author
  readonly kind: 'delivered' | 'read'
  readonly n: number
}

const TELL_INTERVAL_MS = 200
const WRITE_INTERVAL_MS = 1_000
/** Marks of each side that are in memory. When so many wait to be told or written, that is done at once; until then nothing is noted of others. */
const MARK_LIMIT = 10_000
/** Marks that are kept after a write that failed. */
const KEPT_LIMIT = MARK_LIMIT / 2
/** Marks that are looked at for one that can be forgotten. */
const EVICTION_PROBES = 16
/** Look-ups at once. */
const LOOK_UPS = 32

/** How far one side of a conversation has got. Who reads is a side: the contact on whichever device, the agents whoever of them. */
class Mark {
  readonly conversation: ConversationId
  readonly side: Audience
  acknowledged = 0
  read = 0
  /** Up to where the other side has been told, or was told before this process. */
  toldAcknowledged = 0
  toldRead = 0
  /** Who moved it last. */
  by: Author
  /** What was stored before is in it. */
  isLoaded = false

  constructor(conversation: ConversationId, side: Audience, by: Author) {
    this.conversation = conversation
    this.side = side
    this.by = by
  }
}

/**
 * How far readers have got. Kept in memory, told to the other side at most every 200 ms and written at most once a second, all together: losing the last
 * second only means that something is delivered twice, which clients recognise. Marks never go back, and a repeated one costs a look into a map.
 */
export class Receipts {
  readonly #ports: ReceiptPorts
  readonly #marks = { contact: new Map<ConversationId, Mark>(), agent: new Map<ConversationId, Mark>() }
  #untold = new Map<Mark, Head>()
  #unwritten = new Set<Mark>()
  /** What is being written at this moment. */
  #inHand: ReadonlySet<Mark> = new Set()
  #work: Promise<void> = Promise.resolve()
  #cancelTell: (() => void) | undefined
  #cancelWrite: (() => void) | undefined
  #isMakingRoom = false

  constructor(ports: ReceiptPorts) {
    this.#ports = ports
  }

  /** Notes that somebody has received or read up to `n`, which the conversation must have. */
  note(head: Head, by: Author, kind: 'acknowledged' | 'read', n: number): void {
    const mark = this.#markOf(head.conversation, by)
    if (mark === undefined || n <= mark[kind]) return
    mark.acknowledged = Math.max(mark.acknowledged, n)
    mark[kind] = n
    mark.by = by
    this.#untold.set(mark, head)
    this.#unwritten.add(mark)
    this.#cancelTell ??= this.#ports.clock.after(TELL_INTERVAL_MS, () => void this.#tell())
    this.#cancelWrite ??= this.#ports.clock.after(WRITE_INTERVAL_MS, () => void this.write())
  }

  /** How far a side has got in a conversation, at most to `n`; what has not been written counts. Throws what the view throws, but for damage, which is reported. */
  async marks(side: Audience, conversation: ConversationId, n: number): Promise<Marks> {
    const known = this.#marks[side].get(conversation)
    const stored = known?.isLoaded === true ? null : await this.#stored(side, conversation)
    // It may have been noted meanwhile.
    const mark = this.#marks[side].get(conversation)
    const delivered = Math.max(mark?.acknowledged ?? 0, stored?.acknowledged ?? 0)
    const read = Math.max(mark?.read ?? 0, stored?.read ?? 0)
    return { delivered: Math.min(delivered, n), read: Math.min(read, n) }
  }

  /** Writes what waits, after what is being written. Never rejects: a failure is reported. */
  write(): Promise<void> {
    this.#cancelWrite?.()
    this.#cancelWrite = undefined
    this.#work = this.#work.then(() => this.#writeWaiting())
    return this.#work
  }

  /** Tells no more, and writes what waits. */
  close(): Promise<void> {
    this.#cancelTell?.()
    return this.write()
  }

  #markOf(conversation: ConversationId, by: Author): Mark | undefined {
    const side = by.role === 'agent' ? 'agent' : 'contact'
    const marks = this.#marks[side]
    const known = marks.get(conversation)
    if (known !== undefined) return known
    if (marks.size >= MARK_LIMIT && !this.#forgetOne(marks)) {
      this.#makeRoom()
      return undefined
    }
    const mark = new Mark(conversation, side, by)
    marks.set(conversation, mark)
    return mark
  }

  /** Forgets one of the oldest marks that nothing is to be done with. */
  #forgetOne(marks: Map<ConversationId, Mark>): boolean {
    let probes = EVICTION_PROBES
    for (const mark of marks.values()) {
      if (probes-- === 0) return false
      marks.delete(mark.conversation)
      if (!this.#untold.has(mark) && !this.#unwritten.has(mark) && !this.#inHand.has(mark)) return true
      // Still needed: the others have their turn before it is looked at again.
      marks.set(mark.conversation, mark)
    }
    return false
  }

  #makeRoom(): void {
    if (this.#isMakingRoom) return
    this.#isMakingRoom = true
    void this.#tell()
    void this.write().then(() => {
      this.#isMakingRoom = false
    })
  }

  async #tell(): Promise<void> {
    this.#cancelTell?.()
    this.#cancelTell = undefined
    const untold = this.#untold
    this.#untold = new Map()
    await this.#load(untold.keys())
    try {
      for (const [mark, head] of untold) if (mark.isLoaded) this.#tellOf(mark, head)
    } catch (error) {
      this.#ports.report(error)
    }
  }

  #tellOf(mark: Mark, head: Head): void {
    const { by, read, acknowledged } = mark
    const isRead = read > mark.toldRead
    const isDelivered = acknowledged > Math.max(read, mark.toldAcknowledged)
    mark.toldRead = read
    mark.toldAcknowledged = acknowledged
    // Whoever has read has received, too.
    if (isRead) this.#ports.tell({ head, by, kind: 'read', n: read })
    if (isDelivered) this.#ports.tell({ head, by, kind: 'delivered', n: acknowledged })
  }

  async #writeWaiting(): Promise<void> {
    const waiting = this.#unwritten
    if (waiting.size === 0) return
    this.#unwritten = new Set()
    this.#inHand = waiting
    try {
      await this.#load(waiting)
      const receipts: Receipt[] = []
      for (const { conversation, side, acknowledged, read, isLoaded } of waiting)
        if (isLoaded) receipts.push({ conversation, reader: side, acknowledged, read })
      await this.#ports.view.putReceipts(receipts)
    } catch (error) {
      this.#ports.report(error)
      this.#keep(waiting)
    }
    this.#inHand = new Set()
  }

  /** What could not be written goes with the next ones: its reader may have nothing new to say for long. Unless it would keep out all others. */
  #keep(waiting: ReadonlySet<Mark>): void {
    if (waiting.size <= KEPT_LIMIT) for (const mark of waiting) this.#unwritten.add(mark)
  }

  /** Adds what was stored before. What cannot be read is reported, and waits for the next time that its reader is heard of. */
  async #load(marks: Iterable<Mark>): Promise<void> {
    const missing = [...marks].filter(({ isLoaded }) => !isLoaded)
    for (let at = 0; at < missing.length; at += LOOK_UPS)
      await Promise.all(missing.slice(at, at + LOOK_UPS).map(mark => this.#loadOne(mark)))
  }

  async #loadOne(mark: Mark): Promise<void> {
    try {
      const stored = await this.#stored(mark.side, mark.conversation)
      if (mark.isLoaded) return
      mark.isLoaded = true
      if (stored === null) return
      const { acknowledged, read } = stored
      mark.acknowledged = Math.max(mark.acknowledged, acknowledged)
      mark.read = Math.max(mark.read, read)
      mark.toldAcknowledged = acknowledged
      mark.toldRead = read
    } catch (error) {
      this.#ports.report(error)
    }
  }

  /** A damaged receipt is reported and counts as none: that only means that something is told again. */
  async #stored(side: Audience, conversation: ConversationId): Promise<Receipt | null> {
    try {
      return await this.#ports.view.receipt(conversation, side)
    } catch (error) {
      if (!isKefuError(error, 'KEFU_STORE_CORRUPT')) throw error
      this.#ports.report(error)
      return null
    }
  }
}
