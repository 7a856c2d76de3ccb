import type { ConversationId } from '../codec/conversation-id.js'

/** What a reader tells about a conversation. */
export type ReceiptKind = 'ack' | 'read'

/**
 * Receipts that wait to be sent: per conversation and kind only the highest number, so that a burst of records costs one frame. They outlive a lost
 * connection. Bounded by the conversations that the client follows.
 */
export class Receipts {
  readonly #pending: { readonly [K in ReceiptKind]: Map<ConversationId, number> } = { ack: new Map(), read: new Map() }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#pending.ack.size === 0 && this.#pending.read.size === 0
  }

  /** Remembers that everything up to `n` was received or read. */
  add(kind: ReceiptKind, conversation: ConversationId, n: number): void {
    const pending = this.#pending[kind]
    if (n > (pending.get(conversation) ?? 0)) pending.set(conversation, n)
  }

  /** Hands over what waits, at most `limit` receipts, those that wait longest first, and forgets them. */
  flush(limit: number, send: (kind: ReceiptKind, conversation: ConversationId, n: number) => void): void {
    let left = limit
    for (const kind of ['ack', 'read'] as const) {
      const pending = this.#pending[kind]
      for (const [conversation, n] of pending) {
        if (left-- <= 0) return
        pending.delete(conversation)
        send(kind, conversation, n)
      }
    }
  }
}
