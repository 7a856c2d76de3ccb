import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Head } from '../../core/model.js'
import type { LogPort } from '../../core/ports.js'

/** How many pieces have gone within a conversation's present window. */
type Used = { readonly n: number; pieces: number }

const REMEMBERED = 50_000
/** Records behind what opened the window that are looked at after a start. */
const LOOK_RECORDS = 500

/**
 * Counts what goes out within the windows of platforms. After a start it counts the messages that the log has since: what was held before and went then is not among
 * them, and the platform's own refusal decides.
 */
export class Quota {
  readonly #log: Pick<LogPort, 'read'>
  readonly #used = new Map<ConversationId, Used>()

  constructor(log: Pick<LogPort, 'read'>) {
    this.#log = log
  }

  /** Pieces that went since the window opened, before the message `n`. Throws what the log throws. */
  async used({ conversation, details: { window } }: Head, n: number): Promise<number> {
    if (window === undefined) return 0
    const known = this.#used.get(conversation)
    if (known?.n === window.n) return known.pieces
    // Opened while this process has watched: nothing went in between.
    const pieces = known === undefined && n > window.n + 1 ? await this.#count(conversation, window.n, n) : 0
    this.#set(conversation, { n: window.n, pieces })
    return pieces
  }

  /** A piece went. */
  add({ conversation, details: { window } }: Head): void {
    const known = this.#used.get(conversation)
    if (known !== undefined && known.n === window?.n) known.pieces++
  }

  async #count(conversation: ConversationId, after: number, before: number): Promise<number> {
    const records = await this.#log.read(conversation, after, Math.min(before - after - 1, LOOK_RECORDS))
    return records.filter(({ body }) => body.type === 'message' && body.by.role !== 'contact' && !body.isEcho).length
  }

  #set(conversation: ConversationId, used: Used): void {
    this.#used.delete(conversation)
    if (this.#used.size >= REMEMBERED) this.#used.delete(this.#used.keys().next().value!)
    this.#used.set(conversation, used)
  }
}
