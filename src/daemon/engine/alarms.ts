import type { ConversationId } from '../../codec/conversation-id.js'
import { Heap } from '../core/heap.js'
import type { Clock } from '../core/ports.js'

const SWEEP_MS = 1_000

type Entry = { readonly conversation: ConversationId; readonly dueMs: number }

/**
 * One alarm per conversation, to the second. Instants are epoch ms; what is left until then is measured on the monotonic clock, so that a wall clock that is
 * set neither rings early nor late.
 */
export class Alarms {
  readonly #clock: Clock
  readonly #ring: (conversation: ConversationId) => void
  readonly #due = new Map<ConversationId, number>()
  readonly #heap = new Heap<Entry>(({ dueMs }) => dueMs)
  #cancel: (() => void) | undefined

  /** `ring` is called once for each alarm that is due; it must not throw. */
  constructor(clock: Clock, ring: (conversation: ConversationId) => void) {
    this.#clock = clock
    this.#ring = ring
    this.#schedule()
  }

  get size(): number {
    return this.#due.size
  }

  /** Sets the alarm of a conversation, in place of the one that it has; undefined takes it away. */
  set(conversation: ConversationId, at: number | undefined): void {
    if (at === undefined) {
      this.#due.delete(conversation)
      return
    }
    const dueMs = this.#clock.monotonicMs() + Math.max(0, at - this.#clock.now())
    const present = this.#due.get(conversation)
    // The same instant comes to the same time but for rounding and for a clock that was set.
    if (present !== undefined && Math.abs(present - dueMs) < 1) return
    this.#due.set(conversation, dueMs)
    this.#heap.push({ conversation, dueMs })
  }

  close(): void {
    this.#cancel?.()
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.monotonicMs()
      for (let next = this.#heap.peek(); next !== undefined && next.dueMs <= now; next = this.#heap.peek()) {
        this.#heap.pop()
        // One that was set anew or taken away since.
        if (this.#due.get(next.conversation) !== next.dueMs) continue
        this.#due.delete(next.conversation)
        this.#ring(next.conversation)
      }
      this.#schedule()
    })
  }
}
