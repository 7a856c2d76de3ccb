import type { ConversationId } from '../../codec/conversation-id.js'
import type { Clock, Receipt, ViewPort } from '../core/ports.js'

const WRITE_INTERVAL_MS = 1_000
/** Receipts that may wait for the next write; more are written at once. */
const WAITING_LIMIT = 10_000

/**
 * How far readers have got. Kept in memory and written at most once a second, all together: losing the last second only means that something is
 * delivered twice, which clients recognise.
 */
export class Receipts {
  readonly #view: ViewPort
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #waiting = new Map<string, Receipt>()
  #cancel: (() => void) | undefined

  constructor(view: ViewPort, clock: Clock, report: (error: unknown) => void) {
    this.#view = view
    this.#clock = clock
    this.#report = report
  }

  /** Notes that a reader has received or read up to `n`. Cursors never go back. */
  note(conversation: ConversationId, reader: string, mark: 'acknowledged' | 'read', n: number): void {
    const key = `${conversation} ${reader}`
    const before = this.#waiting.get(key)
    const acknowledged = Math.max(before?.acknowledged ?? 0, n)
    const read = mark === 'read' ? Math.max(before?.read ?? 0, n) : (before?.read ?? 0)
    this.#waiting.set(key, { conversation, reader, acknowledged, read })
    if (this.#waiting.size >= WAITING_LIMIT) void this.write()
    else this.#cancel ??= this.#clock.after(WRITE_INTERVAL_MS, () => void this.write())
  }

  /** Writes what waits. Never rejects: a failure is reported. */
  async write(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#waiting.size === 0) return
    const receipts = [...this.#waiting.values()]
    this.#waiting = new Map()
    try {
      await this.#view.putReceipts(receipts)
    } catch (error) {
      this.#report(error)
    }
  }
}
