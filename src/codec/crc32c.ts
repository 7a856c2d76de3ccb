/** CRC-32C (Castagnoli), sixteen bytes a step: the checksum of the files that LevelDB and the search index write. */

const STEP = 16
const TABLES = makeTables()

/** The CRC-32C of the bytes from `from` to `to`. */
export function crc32c(bytes: DataView, from = 0, to = bytes.byteLength): number {
  let crc = -1
  let i = from
  for (const end = to - STEP; i <= end; i += STEP) {
    const a = crc ^ bytes.getInt32(i, true)
    const b = bytes.getInt32(i + 4, true)
    const c = bytes.getInt32(i + 8, true)
    const d = bytes.getInt32(i + 12, true)
    crc =
      TABLES[3840 + (a & 255)]! ^
      TABLES[3584 + ((a >>> 8) & 255)]! ^
      TABLES[3328 + ((a >>> 16) & 255)]! ^
      TABLES[3072 + (a >>> 24)]! ^
      TABLES[2816 + (b & 255)]! ^
      TABLES[2560 + ((b >>> 8) & 255)]! ^
      TABLES[2304 + ((b >>> 16) & 255)]! ^
      TABLES[2048 + (b >>> 24)]! ^
      TABLES[1792 + (c & 255)]! ^
      TABLES[1536 + ((c >>> 8) & 255)]! ^
      TABLES[1280 + ((c >>> 16) & 255)]! ^
      TABLES[1024 + (c >>> 24)]! ^
      TABLES[768 + (d & 255)]! ^
      TABLES[512 + ((d >>> 8) & 255)]! ^
      TABLES[256 + ((d >>> 16) & 255)]! ^
      TABLES[d >>> 24]!
  }
  for (; i < to; i++) crc = TABLES[(crc ^ bytes.getUint8(i)) & 255]! ^ (crc >>> 8)
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
