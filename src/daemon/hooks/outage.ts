import type { ConversationId } from '../../codec/conversation-id.js'
import { retryDelayMs } from './pace.js'

/** Failures in a row, of more than one conversation, that mean that nothing gets through. */
const FAILURES = 3
const CONVERSATIONS = 2

/**
 * Tells an endpoint that is down from a record that it does not take: down is when several conversations in a row fail and none succeeds between them. Then
 * one attempt at a time is made, each after a longer pause.
 */
export class Outage {
  readonly #random: () => number
  readonly #conversations = new Set<ConversationId>()
  #failures = 0
  #probes = 0
  #nextAtMs: number | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  /** While it is down: when the next attempt may be made (monotonic). */
  get nextAtMs(): number | undefined {
    return this.#nextAtMs
  }

  /** An attempt failed; whether it is down since this one. */
  failed(conversation: ConversationId, nowMs: number): boolean {
    // It was begun before: the pause is for what comes after it, and only another attempt makes it longer.
    if (this.#nextAtMs !== undefined && nowMs < this.#nextAtMs) return false
    this.#failures++
    if (this.#conversations.size < CONVERSATIONS) this.#conversations.add(conversation)
    const wasDown = this.#nextAtMs !== undefined
    if (this.#failures < FAILURES || this.#conversations.size < CONVERSATIONS) return false
    this.#nextAtMs = nowMs + retryDelayMs(++this.#probes, this.#random)
    return !wasDown
  }

  /** One got through; whether it had been down. */
  succeeded(): boolean {
    const wasDown = this.#nextAtMs !== undefined
    this.#failures = 0
    this.#probes = 0
    this.#conversations.clear()
    this.#nextAtMs = undefined
    return wasDown
  }
}
