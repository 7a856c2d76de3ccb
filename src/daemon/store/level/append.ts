import { packTextMessage } from '../../../codec/message-bytes.js'
import { packRecord, RECORD_HEADER_BYTES, type RecordStamp } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { dedupeSide } from '../../core/conversation.js'
import { formatCursor } from '../../core/cursor.js'
import type { Appended, AppendOptions } from '../../core/ports.js'
import type { OpenedBody, RecordBody } from '../../core/records.js'
import type { Conversation } from './conversation.js'
import type { Side } from './id-window.js'

/** Bodies of one append. */
const BODY_LIMIT = 256
/** What an append weighs in a queue besides its bodies; one that has joined another weighs no more. */
export const OVERHEAD_BYTES = 512

/** Who waits for the end of an append. */
type Caller = { readonly resolve: (result: Appended) => void; readonly reject: (error: unknown) => void }

/** A call of `append` on its way to the disk. */
export class Append {
  readonly conversation: Conversation<Append>
  readonly bodies: readonly RecordBody[]
  /** The packed bodies, each with room for its envelope. */
  readonly packed: readonly Uint8Array[]
  readonly weightBytes: number
  readonly id: string | undefined
  /** Any of its messages has an id, which is to be remembered. */
  readonly hasIds: boolean
  readonly side: Side
  readonly expect: number | undefined
  readonly platformKey: string | undefined
  readonly opening: OpenedBody | undefined
  readonly times: readonly number[] | undefined

  /** It has been looked up: not a repetition of anything on disk. */
  isChecked = false
  /** Hash of the platform key within the conversation. */
  platformHash: Buffer | undefined

  /** Place of the last record, and of the one that repetitions are answered with. */
  n = 0
  seq = 0
  at = 0
  keyN = 0
  keySeq = 0
  keyAt = 0

  /** Callers of repetitions that arrived meanwhile. */
  #joined: Caller[] | undefined

  readonly #resolve: (result: Appended) => void
  readonly #reject: (error: unknown) => void

  /** Pins the conversation until it is answered. Throws `KEFU_MESSAGE_TOO_LARGE`, and `KEFU_INTERNAL` for calls that no caller may make. */
  constructor(
    conversation: Conversation<Append>,
    bodies: readonly RecordBody[],
    options: AppendOptions,
    limitBytes: number,
    resolve: (result: Appended) => void,
    reject: (error: unknown) => void,
  ) {
    if (bodies.length > BODY_LIMIT || (bodies.length === 0 && options.opening === undefined))
      throw new KefuError('KEFU_INTERNAL', { reason: `an append of ${bodies.length} bodies` })
    if (options.times !== undefined && (options.times.length !== bodies.length || options.opening !== undefined))
      throw new KefuError('KEFU_INTERNAL', { reason: `an append of ${bodies.length} bodies at other times` })
    this.conversation = conversation
    this.bodies = bodies
    this.id = options.id
    this.expect = options.expect
    this.platformKey = options.platformKey
    this.opening = options.opening
    this.times = options.times
    this.side = sideOf(bodies, options.id)
    const packed: Uint8Array[] = []
    let weightBytes = OVERHEAD_BYTES
    let hasIds = false
    for (const body of bodies) {
      if (body.type === 'message' && body.id !== undefined) hasIds = true
      const bytes = packBody(body, limitBytes)
      weightBytes += bytes.length
      packed.push(bytes)
    }
    this.packed = packed
    this.hasIds = hasIds
    this.weightBytes = weightBytes
    this.#resolve = resolve
    this.#reject = reject
    conversation.pins++
  }

  /** Repetitions are answered with this record. */
  keyAs({ n, seq, at }: RecordStamp): void {
    this.keyN = n
    this.keySeq = seq
    this.keyAt = at
  }

  /** Answers it, and its repetitions with the record that carries their key. */
  settle(isDuplicate: boolean): void {
    this.conversation.pins--
    this.#resolve(
      isDuplicate
        ? { n: this.keyN, cursor: formatCursor(this.keySeq), at: this.keyAt, duplicate: true }
        : { n: this.n, cursor: formatCursor(this.seq), at: this.at, duplicate: false },
    )
    if (this.#joined === undefined) return
    const { keyN: n, keyAt: at } = this
    const cursor = formatCursor(this.keySeq)
    for (const { resolve } of this.#joined) resolve({ n, cursor, at, duplicate: true })
  }

  /** Answers it as a repetition of a record. */
  answerWith(n: number, seq: number, at: number): void {
    this.keyN = n
    this.keySeq = seq
    this.keyAt = at
    this.settle(true)
  }

  /** Refuses it and its repetitions. */
  fail(error: unknown): void {
    this.conversation.pins--
    this.#reject(error)
    if (this.#joined !== undefined) for (const { reject } of this.#joined) reject(error)
  }

  /** Lets the caller of a repetition, to the same conversation, wait for this one's end. Nothing else of the repetition is kept. */
  join(repetition: Append): void {
    repetition.conversation.pins--
    this.#joined ??= []
    this.#joined.push({ resolve: repetition.#resolve, reject: repetition.#reject })
  }

  /** What those that have joined weigh in a queue. */
  get joinedBytes(): number {
    return this.#joined === undefined ? 0 : this.#joined.length * OVERHEAD_BYTES
  }
}

/** A body as bytes with room for its envelope. Throws `KEFU_MESSAGE_TOO_LARGE`. */
export function packBody(body: RecordBody, limitBytes: number): Uint8Array {
  const usual = body.type === 'message' ? packTextMessage(body, RECORD_HEADER_BYTES) : undefined
  const bytes = usual ?? packRecord(body)
  const size = bytes.length - RECORD_HEADER_BYTES
  if (size > limitBytes) throw new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes: size, limit: limitBytes })
  return bytes
}

function sideOf(bodies: readonly RecordBody[], id: string | undefined): Side {
  if (id === undefined) return 'contact'
  for (const body of bodies) if (body.type === 'message' && body.id === id) return dedupeSide(body)
  throw new KefuError('KEFU_INTERNAL', { reason: 'the id of an append is not the id of one of its messages' })
}
