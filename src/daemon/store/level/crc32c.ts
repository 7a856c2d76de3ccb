/** CRC-32C (Castagnoli), sixteen bytes a step: the checksum of LevelDB's table files. */

const STEP = 16
const TABLES = makeTables()

/** The CRC-32C of the bytes from `from` to `to`. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1
  let i = from
  for (const end = to - STEP; i <= end; i += STEP) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      TABLES[3840 + (crc & 255)]! ^
      TABLES[3584 + ((crc >>> 8) & 255)]! ^
      TABLES[3328 + ((crc >>> 16) & 255)]! ^
      TABLES[3072 + (crc >>> 24)]! ^
      TABLES[2816 + bytes[i + 4]!]! ^
      TABLES[2560 + bytes[i + 5]!]! ^
      TABLES[2304 + bytes[i + 6]!]! ^
      TABLES[2048 + bytes[i + 7]!]! ^
      TABLES[1792 + bytes[i + 8]!]! ^
      TABLES[1536 + bytes[i + 9]!]! ^
      TABLES[1280 + bytes[i + 10]!]! ^
      TABLES[1024 + bytes[i + 11]!]! ^
      TABLES[768 + bytes[i + 12]!]! ^
      TABLES[512 + bytes[i + 13]!]! ^
      TABLES[256 + bytes[i + 14]!]! ^
      TABLES[bytes[i + 15]!]!
  }
  for (; i < to; i++) crc = TABLES[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Table `k` holds the CRC of each byte followed by `k` zero bytes. */
function makeTables(): Int32Array {
  const tables = new Int32Array(256 * STEP)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    tables[byte] = crc
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!
    tables[at] = (before >>> 8) ^ tables[before & 255]!
  }
  return tables
}
