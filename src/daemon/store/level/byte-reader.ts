/** Reads LevelDB's encodings from bytes that may be damaged: whatever does not fit throws a RangeError. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw new RangeError('the bytes end early')
    this.#at++
    return value
  }

  /** An unsigned number of seven bits a byte, least significant first; up to 2^53. */
  varint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large')
      if (byte < 0x80) return value
      factor *= 128
    }
  }

  /** The next bytes, as a view. */
  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('the bytes end early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  skip(length: number): void {
    if (length < 0 || length > this.#bytes.length - this.#at) throw new RangeError('the bytes end early')
    this.#at += length
  }

  /** Bytes behind their length. */
  prefixed(): Uint8Array {
    return this.take(this.varint())
  }

  /** An unsigned number of `length` bytes, least significant first. */
  fixed(length: number): number {
    return this.take(length).reduceRight((value, byte) => value * 256 + byte, 0)
  }
}
