import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Append } from './append.js'
import type { Conversation } from './conversation.js'

/**
 * Conversations in memory, at most `capacity` and those that are pinned: two generations instead of a list, so that a hit costs one look-up. What has
 * not been used since two turns of the generations is gone.
 */
export class ConversationCache {
  readonly #half: number
  #young = new Map<ConversationId, Conversation<Append>>()
  #old = new Map<ConversationId, Conversation<Append>>()

  constructor(capacity: number) {
    this.#half = Math.max(1, Math.floor(capacity / 2))
  }

  get(id: ConversationId): Conversation<Append> | undefined {
    const young = this.#young.get(id)
    if (young !== undefined) return young
    const old = this.#old.get(id)
    if (old !== undefined) {
      this.#old.delete(id)
      this.add(old)
    }
    return old
  }

  /** Adds a conversation that is not there yet. */
  add(conversation: Conversation<Append>): void {
    if (this.#young.size >= this.#half) this.#turn()
    this.#young.set(conversation.id, conversation)
  }

  delete(conversation: Conversation<Append>): void {
    if (this.#young.get(conversation.id) === conversation) this.#young.delete(conversation.id)
    else if (this.#old.get(conversation.id) === conversation) this.#old.delete(conversation.id)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  #turn(): void {
    const gone = this.#old
    this.#old = this.#young
    this.#young = new Map()
    for (const conversation of gone.values()) if (conversation.pins > 0) this.#young.set(conversation.id, conversation)
  }
}
