import type { Frame } from '../codec/frame.js'
import type { ServerFrame } from '../codec/wire.js'
import { KefuError, toKefuError } from '../errors.js'
import type { Decompress } from './platform.js'
import { inflated, parseServerFrame, receive } from './server-frame.js'

/** What may wait behind a message that is being inflated. */
const HELD_LIMIT = 4_096
const HELD_LIMIT_BYTES = 8 * 1024 * 1024

/** What becomes of a connection's messages. */
export type InboundHandlers = {
  frame(frame: ServerFrame): void
  /** The peer broke the protocol; nothing follows. */
  violated(error: KefuError): void
  /** A compressed body could not be read, for whatever reason: worth doing without. Comes before `violated`. */
  inflateFailed(): void
}

/** Turns a connection's messages into validated frames, in order, also while a body is being inflated. */
export class Inbound {
  readonly #handlers: InboundHandlers
  readonly #decompress: Decompress | undefined
  #held: (Uint8Array | string)[] | undefined
  #heldBytes = 0
  #isStopped = false

  constructor(decompress: Decompress | undefined, handlers: InboundHandlers) {
    this.#decompress = decompress
    this.#handlers = handlers
  }

  /** Takes the next message. */
  take(data: Uint8Array | string): void {
    if (this.#isStopped) return
    try {
      if (this.#held !== undefined) {
        this.#heldBytes += data.length
        if (this.#held.length >= HELD_LIMIT || this.#heldBytes > HELD_LIMIT_BYTES)
          throw new KefuError('KEFU_QUEUE_FULL')
        this.#held.push(data)
        return
      }
      const received = receive(data)
      if (!received.compressed) this.#handle(received.frame)
      else if (this.#decompress !== undefined) void this.#inflate(this.#decompress, received.header, received.body)
      else throw new KefuError('KEFU_FRAME_INVALID', { reason: 'compressed though not asked for' })
    } catch (error) {
      this.#violated(error)
    }
  }

  /** Drops everything that comes or waits. */
  stop(): void {
    this.#isStopped = true
    this.#held = undefined
  }

  async #inflate(decompress: Decompress, header: Omit<Frame, 'body'>, body: Uint8Array): Promise<void> {
    this.#held = []
    this.#heldBytes = 0
    let frame: Frame
    try {
      frame = inflated(header, await decompress(body))
    } catch (error) {
      if (this.#isStopped) return
      this.#handlers.inflateFailed()
      this.#violated(error)
      return
    }
    if (this.#isStopped) return
    const held = this.#held
    this.#held = undefined
    try {
      this.#handle(frame)
    } catch (error) {
      this.#violated(error)
    }
    // One of these may be compressed, too: then `take` holds the rest again.
    for (const data of held) this.take(data)
  }

  #handle(frame: Frame): void {
    this.#handlers.frame(parseServerFrame(frame))
  }

  #violated(error: unknown): void {
    this.stop()
    this.#handlers.violated(toKefuError(error))
  }
}
