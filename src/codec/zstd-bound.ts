import { KefuError } from '../errors.js'

/**
 * What a zstd frame (RFC 8878) can decompress to, found from its headers alone. No node imports: browsers use this file.
 */

/** What a receiver is willing to hold for one frame. */
export type ZstdLimits = {
  /** Largest output. */
  readonly outputLimitBytes: number
  /** Largest window: the history that a streaming decoder keeps beside the output. */
  readonly windowLimitBytes: number
}

/** Frames inside the wire protocol: history pages. */
export const ZSTD_WIRE_LIMITS = {
  outputLimitBytes: 64 * 1024,
  windowLimitBytes: 1024 * 1024,
} as const satisfies ZstdLimits

/** Uploaded and stored files. */
export const ZSTD_MEDIA_LIMITS = {
  outputLimitBytes: 20 * 1024 * 1024,
  windowLimitBytes: 8 * 1024 * 1024,
} as const satisfies ZstdLimits

/** What one block regenerates at most, however large the window is. */
export const ZSTD_BLOCK_BYTES = 128 * 1024

/** The first four bytes of a frame, little-endian. */
export const ZSTD_MAGIC = 0xfd2fb528

/** A frame that keeps the limits, as far as its headers tell. */
export type ZstdFrame = {
  /** Upper bound of the output; exact when the frame declares its size. */
  readonly boundBytes: number
  /** Upper bound from the blocks alone: what a decoder that ignores the declared size may produce. */
  readonly blockBoundBytes: number
  /** The size that the header declares, if it does. */
  readonly declaredBytes: number | undefined
  /** Length of the frame header: the first block starts there. */
  readonly headerBytes: number
  /** Whether four bytes of checksum follow the blocks. */
  readonly hasChecksum: boolean
  readonly windowBytes: number
}

const RLE = 1
const COMPRESSED = 2
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4
// Blocks a frame may have: some, and one for this much of the output limit. Encoders write kilobytes per block; only an attacker has use for millions.
const BLOCKS_ANYWAY = 64
const BYTES_PER_BLOCK = 256
const WINDOW_LOG_MIN = 10

/**
 * Upper bound of what `bytes` decompress to, without decompressing: exact when the frame declares its size, otherwise at most one block (128 KiB) above
 * `outputLimitBytes`. Throws `KEFU_CODEC_INVALID` as `inspectZstd` does.
 */
export function zstdBound(bytes: Uint8Array, limits: ZstdLimits): number {
  return inspectZstd(bytes, limits).boundBytes
}

/**
 * Walks the one frame that `bytes` must be, from its header over all block headers to its end. Reads at most one block header for every 256 bytes of the
 * output limit and allocates nothing but the result. Throws `KEFU_CODEC_INVALID` naming the reason: not zstd, skippable frame, dictionary, reserved bit or
 * block type, window or size over the limit, a declared size that the blocks cannot have, too many blocks, truncated, bytes after the frame.
 *
 * A frame without a declared size is counted with full blocks, so an encoder that cuts small blocks has to declare the size to get near the limit.
 * A declared size may be a lie as long as nobody decompresses: the decoder has to hold the frame to it (`decompress` of zstd.ts does).
 */
export function inspectZstd(bytes: Uint8Array, limits: ZstdLimits): ZstdFrame {
  const header = readHeader(bytes, limits)
  const { declaredBytes, headerBytes, windowBytes } = header
  const blockLimitBytes = Math.min(windowBytes, ZSTD_BLOCK_BYTES)
  // One block of slack: data of exactly the limit may end in a block that is not full, and only decompression tells.
  const undeclaredLimitBytes = limits.outputLimitBytes + blockLimitBytes
  let blocksLeft = BLOCKS_ANYWAY + limits.outputLimitBytes / BYTES_PER_BLOCK
  let leastBytes = 0
  let mostBytes = 0
  let at = headerBytes
  for (let isLast = false; !isLast; ) {
    if (--blocksLeft < 0) throw invalid('zstd frame has too many blocks')
    if (at + BLOCK_HEADER_BYTES > bytes.length) throw invalid('zstd frame is truncated')
    const block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    at += BLOCK_HEADER_BYTES
    isLast = (block & 1) === 1
    const type = (block >>> 1) & 3
    const size = block >>> 3
    if (type > COMPRESSED) throw invalid('zstd block has the reserved type')
    if (size > blockLimitBytes) throw invalid(`zstd block of ${size} bytes, its frame allows ${blockLimitBytes}`)
    if (type === COMPRESSED) {
      mostBytes += blockLimitBytes
    } else {
      mostBytes += size
      leastBytes += size
    }
    at += type === RLE ? 1 : size
    if (declaredBytes === undefined) {
      if (leastBytes > limits.outputLimitBytes)
        throw invalid(`zstd frame expands to ${leastBytes} bytes or more, the limit is ${limits.outputLimitBytes}`)
      if (mostBytes > undeclaredLimitBytes)
        throw invalid(
          `zstd frame without a size may expand to ${mostBytes} bytes, the limit is ${limits.outputLimitBytes}`,
        )
    } else if (leastBytes > declaredBytes) {
      throw invalid(`zstd frame declares ${declaredBytes} bytes and has more`)
    }
  }
  if (header.hasChecksum) at += CHECKSUM_BYTES
  if (at > bytes.length) throw invalid('zstd frame is truncated')
  if (at < bytes.length) throw invalid('bytes after the end of the zstd frame')
  if (declaredBytes !== undefined && declaredBytes > mostBytes)
    throw invalid(`zstd frame declares ${declaredBytes} bytes and has at most ${mostBytes}`)
  return { ...header, boundBytes: declaredBytes ?? mostBytes, blockBoundBytes: mostBytes }
}

function readHeader(bytes: Uint8Array, limits: ZstdLimits): Omit<ZstdFrame, 'boundBytes' | 'blockBoundBytes'> {
  if (bytes.length < 5) throw invalid('zstd frame is truncated')
  const magic = readUint(bytes, 0, 4)
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) throw invalid('zstd skippable frame')
  if (magic !== ZSTD_MAGIC) throw invalid('not a zstd frame')
  const descriptor = bytes[4]!
  if ((descriptor & 0x08) !== 0) throw invalid('zstd frame header has its reserved bit set')
  if ((descriptor & 0x03) !== 0) throw invalid('zstd frame needs a dictionary')
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >>> 6
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag
  const sizeAt = isSingleSegment ? 5 : 6
  const headerBytes = sizeAt + sizeBytes
  if (bytes.length < headerBytes) throw invalid('zstd frame is truncated')
  const declaredBytes = sizeBytes === 0 ? undefined : readUint(bytes, sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  const windowBytes = isSingleSegment ? declaredBytes! : readWindow(bytes[5]!)
  if (declaredBytes !== undefined && declaredBytes > limits.outputLimitBytes)
    throw invalid(`zstd frame declares ${declaredBytes} bytes, the limit is ${limits.outputLimitBytes}`)
  if (windowBytes > limits.windowLimitBytes)
    throw invalid(`zstd window of ${windowBytes} bytes, the limit is ${limits.windowLimitBytes}`)
  return { declaredBytes, headerBytes, hasChecksum: (descriptor & 0x04) !== 0, windowBytes }
}

function readWindow(byte: number): number {
  const base = 2 ** (WINDOW_LOG_MIN + (byte >>> 3))
  return base + (base / 8) * (byte & 7)
}

/** Little-endian; rounded above 2^53, where every limit has refused it already. */
function readUint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}
