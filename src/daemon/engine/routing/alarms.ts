import type { ConversationId } from '../../../codec/conversation-id.js'
import { Heap } from '../../core/heap.js'
import type { Clock } from '../../core/ports.js'

const SWEEP_MS = 1_000
/** Void alarms that are suffered beside the others before the heap is made anew. */
const VOID_LIMIT = 1_024

type Alarm = { readonly conversation: ConversationId; readonly at: number; readonly dueMs: number }

/**
 * One alarm per conversation, to the second. Instants are epoch ms; what is left until then when it is set is measured on the monotonic clock, so that a wall
 * clock that is set later makes no alarm ring early or late.
 */
export class Alarms {
  readonly #clock: Clock
  readonly #ring: (conversation: ConversationId, at: number) => void
  readonly #alarms = new Map<ConversationId, Alarm>()
  /** With those that were set anew or taken away since: one may be due in a month. */
  #heap = new Heap<Alarm>(({ dueMs }) => dueMs)
  #cancel: (() => void) | undefined

  /** `ring` is called once for each alarm that is due, with the instant for which it was set; it must not throw. */
  constructor(clock: Clock, ring: (conversation: ConversationId, at: number) => void) {
    this.#clock = clock
    this.#ring = ring
    this.#schedule()
  }

  get size(): number {
    return this.#alarms.size
  }

  /** What is in memory: at most twice as many as are set, and some more. */
  get held(): number {
    return this.#heap.size
  }

  /** Sets the alarm of a conversation, in place of one for another instant; undefined takes it away. It rings after `delayMs`. */
  set(conversation: ConversationId, at: number | undefined, delayMs = (at ?? 0) - this.#clock.now()): void {
    if (at === undefined) {
      this.#alarms.delete(conversation)
      return
    }
    if (this.#alarms.get(conversation)?.at === at) return
    const alarm = { conversation, at, dueMs: this.#clock.monotonicMs() + Math.max(0, delayMs) }
    this.#alarms.set(conversation, alarm)
    this.#heap.push(alarm)
    if (this.#heap.size > VOID_LIMIT + 2 * this.#alarms.size) this.#forgetVoid()
  }

  close(): void {
    this.#cancel?.()
  }

  #forgetVoid(): void {
    this.#heap = new Heap<Alarm>(({ dueMs }) => dueMs)
    for (const alarm of this.#alarms.values()) this.#heap.push(alarm)
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.monotonicMs()
      for (let next = this.#heap.peek(); next !== undefined && next.dueMs <= now; next = this.#heap.peek()) {
        this.#heap.pop()
        // One that was set anew or taken away since.
        if (this.#alarms.get(next.conversation) !== next) continue
        this.#alarms.delete(next.conversation)
        this.#ring(next.conversation, next.at)
      }
      this.#schedule()
    })
  }
}
