import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Capabilities } from '../../core/channel-adapter.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import { piecesOf } from '../../core/pieces.js'
import type { LogPort } from '../../core/ports.js'
import { recordsAfter } from './records-after.js'

/** How many pieces have gone within a conversation's present window, and how many of them were of the message `message`. */
type Used = { readonly n: number; pieces: number; message: number; ofMessage: number }

/** A message that is about to go: its number, and how many pieces of it have gone already. */
type Message = { readonly n: number; readonly pieces: number }

const REMEMBERED = 50_000
/** Records behind what opened the window that are looked at after a start. */
const LOOK_RECORDS = 500

/**
 * Counts what goes out within the windows of platforms. After a start the log tells: of what was written in the window all has gone unless it says otherwise, and
 * of what was written before, what the window let go is recorded with how much it took. Where the log tells too little, the platform's own refusal decides.
 */
export class Quota {
  readonly #log: Pick<LogPort, 'read'>
  readonly #used = new Map<ConversationId, Used>()

  constructor(log: Pick<LogPort, 'read'>) {
    this.#log = log
  }

  /** Pieces that went since the window opened, before the next piece of a message. Throws what the log throws. */
  async used(head: Head, message: Message, capabilities: Capabilities): Promise<number> {
    const { conversation, n: last } = head
    const { window } = head.details
    if (window === undefined) return 0
    const known = this.#used.get(conversation)
    if (known?.n === window.n) return known.pieces
    const isLate = message.n < window.n
    // Opened while this process has watched, or with nothing behind it but the message: nothing went in between.
    const isNew = known !== undefined || last <= window.n + (isLate ? 0 : 1)
    const before = isNew ? 0 : await this.#count(conversation, window.n, message.n, capabilities)
    const pieces = before + (isLate || known !== undefined ? 0 : message.pieces)
    this.#set(conversation, { n: window.n, pieces, message: message.n, ofMessage: 0 })
    return pieces
  }

  /** A piece of a message went. */
  add({ conversation, details: { window } }: Head, message: number): void {
    const known = this.#used.get(conversation)
    if (known === undefined || known.n !== window?.n) return
    known.pieces++
    known.ofMessage = known.message === message ? known.ofMessage + 1 : 1
    known.message = message
  }

  /** How many pieces of a message that was written before the present window went in it. */
  late({ conversation, details: { window } }: Head, message: number): number {
    const known = this.#used.get(conversation)
    if (window === undefined || message > window.n || known?.n !== window.n || known.message !== message) return 0
    return known.ofMessage
  }

  async #count(
    conversation: ConversationId,
    opened: number,
    before: number,
    capabilities: Capabilities,
  ): Promise<number> {
    const gone = new Map<number, number>()
    const written = new Map<number, number>()
    for await (const { n, body } of recordsAfter(this.#log, conversation, opened, LOOK_RECORDS)) {
      if (isSent(body) && n < before) {
        written.set(n, piecesOf(body.parts, capabilities).length)
        gone.set(n, written.get(n)!)
      } else if (body.type === 'delivery' && body.message !== before) {
        if (body.state === 'held' || body.state === 'failed') gone.delete(body.message)
        else if (body.state === 'sent') gone.set(body.message, written.get(body.message) ?? body.pieces ?? 0)
      }
    }
    return [...gone.values()].reduce((sum, pieces) => sum + pieces, 0)
  }

  #set(conversation: ConversationId, used: Used): void {
    this.#used.delete(conversation)
    if (this.#used.size >= REMEMBERED) this.#used.delete(this.#used.keys().next().value!)
    this.#used.set(conversation, used)
  }
}

function isSent(body: LogRecord['body']): body is Extract<LogRecord['body'], { readonly type: 'message' }> {
  return body.type === 'message' && body.by.role !== 'contact' && !body.isEcho
}
