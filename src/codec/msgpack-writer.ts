/**
 * Writes msgpack values of known shape one after the other: what goes out or to disk for every message is not worth a general encoder's look at it.
 * The values are those that `pack` would write (MessagePack specification, "Formats"; numbers in their shortest form).
 */

/** Values that fit in less than a quarter of a slab share one: cut off, not copied. */
const SLAB_BYTES = 64 * 1024
/** Shorter texts are written here, longer ones by the native encoder: about where one overtakes the other. */
const SHORT_TEXT = 48
/** Bytes of a character at most, and of what stands before a text. */
const CHARACTER_BYTES = 3
const TEXT_HEADER_BYTES = 5

/** Room that a text may need. */
export function textRoom(text: string): number {
  return text.length * CHARACTER_BYTES + TEXT_HEADER_BYTES
}

/** Room that a number, nil or the head of an array, map or byte string may need. */
export const VALUE_ROOM = 9

/**
 * One value at a time: `begin` with enough room for all of it, the writing methods in order, `end`. Nothing checks the room: too little throws or cuts, so
 * count with `textRoom` and `VALUE_ROOM`. What `end` returned is the caller's; its backing memory is shared with other values, none of which is written again.
 */
export class MsgpackWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #used = 0
  #bytes = this.#slab
  #start = 0
  #at = 0

  /** Starts a value of at most `roomBytes`, behind `reservedBytes` (part of the room) that the caller writes itself. */
  begin(roomBytes: number, reservedBytes: number): void {
    if (roomBytes > SLAB_BYTES / 4) {
      this.#bytes = Buffer.allocUnsafeSlow(roomBytes)
      this.#start = 0
    } else {
      if (this.#used + roomBytes > SLAB_BYTES) {
        this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
        this.#used = 0
      }
      this.#bytes = this.#slab
      this.#start = this.#used
    }
    this.#at = this.#start + reservedBytes
  }

  /** The bytes since `begin`. */
  end(): Uint8Array {
    if (this.#bytes === this.#slab) this.#used = this.#at
    return this.#bytes.subarray(this.#start, this.#at)
  }

  /** The head of a map: `entries` (at most 15) keys and values follow. */
  map(entries: number): void {
    this.#bytes[this.#at++] = 0x80 | entries
  }

  /** The head of an array: `items` (at most 65,535) values follow. */
  array(items: number): void {
    const bytes = this.#bytes
    if (items < 16) bytes[this.#at++] = 0x90 | items
    else {
      bytes[this.#at++] = 0xdc
      bytes[this.#at++] = items >>> 8
      bytes[this.#at++] = items
    }
  }

  /** Values that are msgpack already: keys, constants, stored bodies. */
  raw(value: Uint8Array): void {
    const bytes = this.#bytes
    if (value.length > SHORT_TEXT) bytes.set(value, this.#at)
    else for (let i = 0; i < value.length; i++) bytes[this.#at + i] = value[i]!
    this.#at += value.length
  }

  /** A text. What is not well-formed Unicode is written as U+FFFD. */
  text(text: string): void {
    if (text.length >= SHORT_TEXT || !this.#shortAscii(text)) this.#native(text)
  }

  /** A text, or nil. */
  optionalText(text: string | undefined): void {
    if (text === undefined) this.nil()
    else this.text(text)
  }

  /** A non-negative safe integer. */
  uint(value: number): void {
    const bytes = this.#bytes
    if (value < 0x80) bytes[this.#at++] = value
    else if (value < 0x100) {
      bytes[this.#at++] = 0xcc
      bytes[this.#at++] = value
    } else if (value < 0x10000) {
      bytes[this.#at++] = 0xcd
      bytes[this.#at++] = value >>> 8
      bytes[this.#at++] = value
    } else if (value < 0x1_0000_0000) {
      bytes[this.#at++] = 0xce
      this.#uint32(value)
    } else {
      // As `pack` writes what does not fit into 32 bits: a float 64, exact for safe integers.
      bytes[this.#at++] = 0xcb
      this.#at = bytes.writeDoubleBE(value, this.#at)
    }
  }

  /** Nil. */
  nil(): void {
    this.#bytes[this.#at++] = 0xc0
  }

  #uint32(value: number): void {
    const bytes = this.#bytes
    bytes[this.#at++] = value >>> 24
    bytes[this.#at++] = value >>> 16
    bytes[this.#at++] = value >>> 8
    bytes[this.#at++] = value
  }

  /** False, and nothing counts as written, when the text is not all ASCII. */
  #shortAscii(text: string): boolean {
    const bytes = this.#bytes
    let at = this.#at
    if (text.length < 32) bytes[at++] = 0xa0 | text.length
    else {
      bytes[at++] = 0xd9
      bytes[at++] = text.length
    }
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[at++] = code
    }
    this.#at = at
    return true
  }

  #native(text: string): void {
    const bytes = this.#bytes
    const length = Buffer.byteLength(text)
    if (length < 32) bytes[this.#at++] = 0xa0 | length
    else if (length < 0x100) {
      bytes[this.#at++] = 0xd9
      bytes[this.#at++] = length
    } else if (length < 0x10000) {
      bytes[this.#at++] = 0xda
      bytes[this.#at++] = length >>> 8
      bytes[this.#at++] = length
    } else {
      bytes[this.#at++] = 0xdb
      this.#uint32(length)
    }
    this.#at += bytes.write(text, this.#at, length)
  }
}
