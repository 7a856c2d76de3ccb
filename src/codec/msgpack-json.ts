/**
 * Writes msgpack as JSON, without making the values in between: texts are UTF-8 on both sides, so that all but a few bytes are only copied. For long readings,
 * where making objects of records and texts of objects would be most of the work.
 */
export class JsonBytes {
  #bytes: Buffer
  #at = 0

  /** `roomBytes`: about as much as will be written. */
  constructor(roomBytes: number) {
    this.#bytes = Buffer.allocUnsafe(roomBytes)
  }

  get length(): number {
    return this.#at
  }

  /** What has been written: a view. Nothing is written afterwards. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Writes text that is JSON already. */
  text(text: string): void {
    this.#need(3 * text.length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /**
   * Writes one msgpack value as `JSON.stringify` writes what it stands for. False, and nothing is written, for what it leaves to the decoder: extensions (also
   * those that stand for absent values), bytes, numbers of rare forms, texts that are no well-formed Unicode, what is cut short, what is nested too deep.
   */
  value(msgpack: Uint8Array): boolean {
    const start = this.#at
    const end = this.#value(msgpack, 0, DEPTH_LIMIT)
    if (end === msgpack.length) return true
    this.#at = start
    return false
  }

  /** The position behind the value at `at`; `LEFT` for one that is left to the decoder. */
  #value(from: Uint8Array, at: number, depth: number): number {
    const token = from[at]
    if (token === undefined || depth === 0) return LEFT
    const next = at + 1
    if (token < 0x80) return this.#number(token, next)
    if (token < 0x90) return this.#map(from, next, token & 0x0f, depth)
    if (token < 0xa0) return this.#array(from, next, token & 0x0f, depth)
    if (token < 0xc0) return this.#string(from, next, token & 0x1f)
    if (token >= 0xe0) return this.#number(token - 0x100, next)
    switch (token) {
      case 0xc0:
        return this.#word('null', next)
      case 0xc2:
        return this.#word('false', next)
      case 0xc3:
        return this.#word('true', next)
      case 0xcb:
        return this.#number(float64At(from, next), next + 8)
      case 0xcc:
        return this.#number(from[next] ?? 0, next + 1)
      case 0xcd:
        return this.#number(readUint(from, next, 2), next + 2)
      case 0xce:
        return this.#number(readUint(from, next, 4), next + 4)
      case 0xd9:
        return this.#string(from, next + 1, readUint(from, next, 1))
      case 0xda:
        return this.#string(from, next + 2, readUint(from, next, 2))
      case 0xdc:
        return this.#array(from, next + 2, readUint(from, next, 2), depth)
      case 0xde:
        return this.#map(from, next + 2, readUint(from, next, 2), depth)
      default:
        return LEFT
    }
  }

  #map(from: Uint8Array, start: number, count: number, depth: number): number {
    let at = start
    this.#byte(OPENING_BRACE)
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#byte(COMMA)
      const token = from[at] ?? 0
      if (token < 0xa0 || token >= 0xc0) return LEFT
      at = this.#string(from, at + 1, token & 0x1f)
      if (at === LEFT) return LEFT
      this.#byte(COLON)
      at = this.#value(from, at, depth - 1)
      if (at === LEFT) return LEFT
    }
    this.#byte(CLOSING_BRACE)
    return at
  }

  #array(from: Uint8Array, start: number, count: number, depth: number): number {
    let at = start
    this.#byte(OPENING_BRACKET)
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#byte(COMMA)
      at = this.#value(from, at, depth - 1)
      if (at === LEFT) return LEFT
    }
    this.#byte(CLOSING_BRACKET)
    return at
  }

  #string(from: Uint8Array, start: number, length: number): number {
    const end = start + length
    if (end > from.length) return LEFT
    this.#need(LONGEST_ESCAPE * length + 2)
    const bytes = this.#bytes
    let to = this.#at
    bytes[to++] = QUOTE
    for (let at = start; at < end; at++) {
      const byte = from[at]!
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH && byte !== SURROGATE) {
        bytes[to++] = byte
        continue
      }
      // Half of a pair of surrogates: no Unicode, and JSON has a form of its own for it.
      if (byte === SURROGATE) {
        if (from[at + 1]! >= 0xa0) return LEFT
        bytes[to++] = byte
        continue
      }
      to += bytes.write(ESCAPES[byte] ?? `\\${String.fromCharCode(byte)}`, to, 'latin1')
    }
    bytes[to++] = QUOTE
    this.#at = to
    return end
  }

  #number(value: number, next: number): number {
    return this.#word(Number.isFinite(value) ? String(value) : 'null', next)
  }

  #word(text: string, next: number): number {
    this.#need(text.length)
    this.#at += this.#bytes.write(text, this.#at, 'latin1')
    return next
  }

  #byte(byte: number): void {
    this.#need(1)
    this.#bytes[this.#at++] = byte
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

const DEPTH_LIMIT = 32
const LEFT = -1
const LONGEST_ESCAPE = 6
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
/** The first byte of surrogates (and of some Korean syllables, by their second byte). */
const SURROGATE = 0xed

/** Control characters as `JSON.stringify` writes them. */
const ESCAPES: readonly string[] = Array.from({ length: 0x20 }, (_, byte) =>
  JSON.stringify(String.fromCharCode(byte)).slice(1, -1),
)

/** An unsigned number of so many bytes, big-endian; bytes that are missing count as 0: what is cut short ends behind the value. */
function readUint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}

function float64At(bytes: Uint8Array, at: number): number {
  if (at + 8 > bytes.length) return 0
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(at)
}
