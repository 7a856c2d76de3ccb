import { Packr } from 'msgpackr'

// Plain maps on the wire and in the store: every value can be read without another key or an earlier message.
// Structured clone stays off (GHSA-7hpj-7hhx-2fgx came in through it).
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  int64AsType: 'number',
  structuredClone: false,
})

const RESERVE_START_SPACE = 2048

/**
 * Packs a value of plain data as msgpack behind `reservedBytes` (0 to 255) unwritten bytes, in one buffer that is the caller's.
 * The reserved bytes hold garbage: write all of them.
 */
export function pack(value: unknown, reservedBytes = 0): Uint8Array {
  return packr.pack(value, RESERVE_START_SPACE + reservedBytes)
}

/** Unpacks exactly one msgpack value. Throws whatever the decoder throws on damaged input; callers turn that into their error. */
export function unpack(bytes: Uint8Array): unknown {
  return packr.unpack(bytes)
}
