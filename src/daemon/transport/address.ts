const MAPPED_PREFIX = '::ffff:'

/** A peer's address as Node prints it, IPv4 inside IPv6 as plain IPv4; empty when it is not known. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith(MAPPED_PREFIX) && address.includes('.') ? address.slice(MAPPED_PREFIX.length) : address
}

/** The text of a binary address of 4 or 16 bytes, in the form of `plainAddress` (RFC 5952); empty for any other length. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.byteLength === 4) return bytes.join('.')
  if (bytes.byteLength !== 16) return ''
  if (isMapped(bytes)) return bytes.subarray(12).join('.')
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  const zeros = longestZeros(groups)
  if (zeros.length < 2) return hex(groups)
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  const best = { start: 0, length: 0 }
  let start = 0
  for (let at = 0; at <= groups.length; at++) {
    if (groups[at] === 0) continue
    if (at - start > best.length) {
      best.start = start
      best.length = at - start
    }
    start = at + 1
  }
  return best
}

function hex(groups: readonly number[]): string {
  return groups.map(group => group.toString(16)).join(':')
}
