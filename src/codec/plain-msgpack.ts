/** How deep the values of a frame may be nested. Bodies of the protocol need six levels. */
export const MSGPACK_DEPTH = 32

/**
 * Whether `bytes` are exactly one complete msgpack value of plain data: nil, booleans, numbers, texts, bytes, arrays and maps, nested no deeper than
 * `MSGPACK_DEPTH`. Extension types are not plain, except type 0 of one byte, which stands for an absent value. The decoder knows extensions that make
 * cyclic values, compile code or read a far text again and again; bytes of a stranger must pass here first. Linear in the length, allocates nothing.
 */
export function isPlainMsgpack(bytes: Uint8Array): boolean {
  return skipValue(bytes, 0, MSGPACK_DEPTH) === bytes.length
}

const REFUSED = -1

/** The position after the value at `at`: `REFUSED` when it is not plain, beyond the end when its content is cut short. */
function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  const token = bytes[at]
  if (token === undefined) return REFUSED
  const next = at + 1
  if (token < 0x80 || token >= 0xe0) return next
  if (token < 0x90) return skipValues(bytes, next, 2 * (token & 0x0f), depth)
  if (token < 0xa0) return skipValues(bytes, next, token & 0x0f, depth)
  if (token < 0xc0) return next + (token & 0x1f)
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return next
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return next + 1 + readLength(bytes, next, 1)
    case 0xc5: // bin 16
    case 0xda: // str 16
      return next + 2 + readLength(bytes, next, 2)
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return next + 4 + readLength(bytes, next, 4)
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return next + 1
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return next + 2
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return next + 4
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return next + 8
    case 0xd4: // fixext 1
      return bytes[next] === 0 ? next + 2 : REFUSED
    case 0xdc: // array 16
      return skipValues(bytes, next + 2, readLength(bytes, next, 2), depth)
    case 0xdd: // array 32
      return skipValues(bytes, next + 4, readLength(bytes, next, 4), depth)
    case 0xde: // map 16
      return skipValues(bytes, next + 2, 2 * readLength(bytes, next, 2), depth)
    case 0xdf: // map 32
      return skipValues(bytes, next + 4, 2 * readLength(bytes, next, 4), depth)
    default:
      return REFUSED
  }
}

/** A count that lies ends at the end of the bytes: every value has at least one. */
function skipValues(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (depth === 0) return REFUSED
  let next = at
  for (let left = count; left > 0; left--) {
    next = skipValue(bytes, next, depth - 1)
    if (next === REFUSED) return REFUSED
  }
  return next
}

/** Big-endian; bytes beyond the end count as zero, which leaves the position beyond the end. */
function readLength(bytes: Uint8Array, at: number, width: number): number {
  let length = 0
  for (let i = 0; i < width; i++) length = length * 256 + (bytes[at + i] ?? 0)
  return length
}
