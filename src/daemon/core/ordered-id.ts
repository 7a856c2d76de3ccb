import { toBase32 } from '../../codec/base32.js'

/** That many random bytes from a cryptographic source. */
export type RandomBytes = (length: number) => Uint8Array

const TIME_BYTES = 6
const RANDOM_BYTES = 10

/** Characters of an ordered id after its prefix and `_`. */
export const ORDERED_ID_LENGTH = 26

/**
 * A new id: the prefix, `_`, then 26 characters of Base32 over 48 bits of time (epoch ms) and 80 random bits. Ids of one prefix sort by the time they were made,
 * stay unique whatever the clock does, cannot be guessed, and are safe in URLs, keys and file names.
 */
export function orderedId<P extends string>(prefix: P, nowMs: number, random: RandomBytes): `${P}_${string}` {
  const bytes = Buffer.allocUnsafe(TIME_BYTES + RANDOM_BYTES)
  bytes.writeUIntBE(nowMs, 0, TIME_BYTES)
  bytes.set(random(RANDOM_BYTES), TIME_BYTES)
  return `${prefix}_${toBase32(bytes)}`
}
