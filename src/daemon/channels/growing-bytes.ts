/** What a buffer begins with. */
const FIRST_BYTES = 16 * 1024

/**
 * Bytes that come in pieces, copied together: kept as they come, pieces would take as much memory as the sender likes, which chooses how small they are. Takes at
 * most twice what has come.
 */
export class GrowingBytes {
  readonly #limitBytes: number
  #bytes = Buffer.alloc(0)
  #length = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Whether the piece was taken: not when it passes the limit. */
  push(piece: Uint8Array): boolean {
    const length = this.#length + piece.byteLength
    if (length > this.#limitBytes) return false
    if (length > this.#bytes.byteLength) this.#grow(length)
    this.#bytes.set(piece, this.#length)
    this.#length = length
    return true
  }

  /** All that has come. Nothing may be pushed from here on. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(length: number): void {
    const size = Math.min(Math.max(length, this.#bytes.byteLength * 2, FIRST_BYTES), Math.max(length, this.#limitBytes))
    const bytes = Buffer.allocUnsafeSlow(size)
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
  }
}
