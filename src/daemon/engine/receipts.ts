import type { ConversationId } from '../../codec/conversation-id.js'
import type { Clock, Receipt, ViewPort } from '../core/ports.js'

const WRITE_INTERVAL_MS = 1_000
/** Receipts that may wait for the next write. At that number they are written at once; of more readers nothing is noted until they have been. */
const WAITING_LIMIT = 10_000
/** Receipts remembered after they were written, so that the next one of the same reader needs no look-up. */
const WRITTEN_LIMIT = 10_000
/** Look-ups at once. */
const LOOK_UPS = 32

/**
 * How far readers have got. Kept in memory and written at most once a second, all together: losing the last second only means that something is
 * delivered twice, which clients recognise. Cursors never go back.
 */
export class Receipts {
  readonly #view: ViewPort
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #waiting = new Map<string, Receipt>()
  /** What was written last, the oldest first. */
  readonly #written = new Map<string, Receipt>()
  #writing: Promise<void> = Promise.resolve()
  #cancel: (() => void) | undefined

  constructor(view: ViewPort, clock: Clock, report: (error: unknown) => void) {
    this.#view = view
    this.#clock = clock
    this.#report = report
  }

  /** Notes that a reader has received or read up to `n`. */
  note(conversation: ConversationId, reader: string, mark: 'acknowledged' | 'read', n: number): void {
    const key = `${conversation} ${reader}`
    const before = this.#waiting.get(key)
    if (before === undefined && this.#waiting.size >= WAITING_LIMIT) return
    const read = mark === 'read' ? n : 0
    this.#waiting.set(key, latest({ conversation, reader, acknowledged: n, read }, before))
    if (before === undefined && this.#waiting.size === WAITING_LIMIT) void this.write()
    else this.#cancel ??= this.#clock.after(WRITE_INTERVAL_MS, () => void this.write())
  }

  /** Writes what waits, after what is being written. Never rejects: a failure is reported. */
  write(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#writing = this.#writing.then(() => this.#writeWaiting())
    return this.#writing
  }

  async #writeWaiting(): Promise<void> {
    const waiting = [...this.#waiting]
    if (waiting.length === 0) return
    this.#waiting = new Map()
    try {
      const receipts: Receipt[] = []
      for (let at = 0; at < waiting.length; at += LOOK_UPS) {
        const some = waiting.slice(at, at + LOOK_UPS).map(([key, receipt]) => this.#complete(key, receipt))
        for (const receipt of await Promise.all(some)) if (receipt !== undefined) receipts.push(receipt)
      }
      await this.#view.putReceipts(receipts)
      for (const receipt of receipts) this.#remember(receipt)
    } catch (error) {
      this.#report(error)
    }
  }

  /** A receipt with what was stored before; undefined when that cannot be read. */
  async #complete(key: string, receipt: Receipt): Promise<Receipt | undefined> {
    const { conversation, reader } = receipt
    try {
      return latest(receipt, this.#written.get(key) ?? (await this.#view.receipt(conversation, reader)))
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  #remember(receipt: Receipt): void {
    const key = `${receipt.conversation} ${receipt.reader}`
    this.#written.delete(key)
    this.#written.set(key, receipt)
    if (this.#written.size > WRITTEN_LIMIT) this.#written.delete(this.#written.keys().next().value!)
  }
}

function latest(receipt: Receipt, before: Receipt | null | undefined): Receipt {
  if (before === null || before === undefined) return receipt
  const { conversation, reader } = receipt
  const acknowledged = Math.max(receipt.acknowledged, before.acknowledged)
  return { conversation, reader, acknowledged, read: Math.max(receipt.read, before.read) }
}
