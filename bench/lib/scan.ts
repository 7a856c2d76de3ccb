/**
 * Reads single fields out of msgpack in place. The load generator must not decode whole bodies: it shares the machine with the server it measures.
 */

/** The position after the value at `at`. Throws for the types that the protocol does not use. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const type = bytes[at]!
  if (type < 0x80 || type >= 0xe0) return at + 1
  if (type < 0x90) return skipValues(bytes, at + 1, (type & 0x0f) * 2)
  if (type < 0xa0) return skipValues(bytes, at + 1, type & 0x0f)
  if (type < 0xc0) return at + 1 + (type & 0x1f)
  switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1
    case 0xcc:
    case 0xd0:
      return at + 2
    case 0xcd:
    case 0xd1:
      return at + 3
    case 0xca:
    case 0xce:
    case 0xd2:
      return at + 5
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return at + 9
    case 0xc4:
    case 0xd9:
      return at + 2 + bytes[at + 1]!
    case 0xc5:
    case 0xda:
      return at + 3 + readUint16(bytes, at + 1)
    case 0xdc:
      return skipValues(bytes, at + 3, readUint16(bytes, at + 1))
    case 0xde:
      return skipValues(bytes, at + 3, readUint16(bytes, at + 1) * 2)
    default:
      throw new Error(`msgpack type 0x${type.toString(16)} was not expected`)
  }
}

/** Where the value of a key of the map at `at` starts, or -1. Keys are ASCII texts of fewer than 32 characters. */
export function findField(bytes: Uint8Array, at: number, key: string): number {
  const type = bytes[at]!
  let left: number
  let position: number
  if (type >= 0x80 && type < 0x90) {
    left = type & 0x0f
    position = at + 1
  } else if (type === 0xde) {
    left = readUint16(bytes, at + 1)
    position = at + 3
  } else throw new Error('a map was expected')
  for (; left > 0; left--) {
    const isKey = isText(bytes, position, key)
    position = skipValue(bytes, position)
    if (isKey) return position
    position = skipValue(bytes, position)
  }
  return -1
}

/** The non-negative integer at `at`. */
export function readNumber(bytes: Uint8Array, at: number): number {
  const type = bytes[at]!
  if (type < 0x80) return type
  switch (type) {
    case 0xcc:
      return bytes[at + 1]!
    case 0xcd:
      return readUint16(bytes, at + 1)
    case 0xce:
      return readUint16(bytes, at + 1) * 0x1_0000 + readUint16(bytes, at + 3)
    case 0xcb:
      return new DataView(bytes.buffer, bytes.byteOffset + at + 1, 8).getFloat64(0)
    case 0xcf:
      return Number(new DataView(bytes.buffer, bytes.byteOffset + at + 1, 8).getBigUint64(0))
    default:
      throw new Error('a non-negative integer was expected')
  }
}

/** The value of lower-case hexadecimal digits. NaN-free: throws for any other character. */
export function readHex(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0
  for (let i = at; i < at + digits; i++) {
    const code = bytes[i]!
    const digit = code >= 0x61 && code <= 0x66 ? code - 0x57 : code >= 0x30 && code <= 0x39 ? code - 0x30 : -1
    if (digit < 0) throw new Error('a hexadecimal digit was expected')
    value = value * 16 + digit
  }
  return value
}

/** Writes a number as lower-case hexadecimal digits with leading zeros. */
export function writeHex(bytes: Uint8Array, at: number, digits: number, value: number): void {
  let rest = value
  for (let i = at + digits - 1; i >= at; i--) {
    const digit = rest & 0x0f
    bytes[i] = digit < 10 ? 0x30 + digit : 0x57 + digit
    rest >>>= 4
  }
}

function skipValues(bytes: Uint8Array, at: number, count: number): number {
  let position = at
  for (let i = 0; i < count; i++) position = skipValue(bytes, position)
  return position
}

function isText(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes[at] !== (0xa0 | text.length)) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + 1 + i] !== text.charCodeAt(i)) return false
  return true
}

function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
