import type { ConversationId } from '../../codec/conversation-id.js'
import { RECORD_FLAGS, type RecordStamp, rawRecordBody, readRecordBody } from '../../codec/record.js'
import type { RecordBody } from './records.js'

/** A record as the log gives it: its place, its bytes (checked), and its body, decoded when first asked for. */
export class LogRecord {
  readonly conversation: ConversationId
  readonly n: number
  readonly seq: number
  readonly at: number
  readonly flags: number
  /** The whole stored record. */
  readonly bytes: Uint8Array
  #body: RecordBody | undefined

  /** `bytes` have been verified; `body` is what they contain, where the caller has it already. */
  constructor(conversation: ConversationId, stamp: RecordStamp, bytes: Uint8Array, body?: RecordBody) {
    this.conversation = conversation
    this.n = stamp.n
    this.seq = stamp.seq
    this.at = stamp.at
    this.flags = stamp.flags
    this.bytes = bytes
    this.#body = body
  }

  /** The body. Bodies are written by this program only, so the CRC vouches for their shape. */
  get body(): RecordBody {
    this.#body ??= readRecordBody(this.bytes) as RecordBody
    return this.#body
  }

  /** The body as msgpack: what goes into frames unread. */
  get rawBody(): Uint8Array {
    return rawRecordBody(this.bytes)
  }

  /** Whether contacts get some of the body's fields only. */
  get isPartial(): boolean {
    return (this.flags & RECORD_FLAGS.partial) !== 0
  }

  /** Whether it was brought in from an export: nothing follows from it. */
  get isImported(): boolean {
    return (this.flags & RECORD_FLAGS.imported) !== 0
  }

  /** Whether contacts get a stub instead. */
  get isInternal(): boolean {
    return (this.flags & RECORD_FLAGS.internal) !== 0
  }
}
