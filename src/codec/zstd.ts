import { createRequire } from 'node:module'
import { KefuError } from '../errors.js'
import { inspectZstd, ZSTD_BLOCK_BYTES, ZSTD_MAGIC, type ZstdFrame, type ZstdLimits } from './zstd-bound.js'

export { ZSTD_MEDIA_LIMITS, ZSTD_WIRE_LIMITS, type ZstdLimits, zstdBound } from './zstd-bound.js'

/** Speeds against ratio, fastest first. None needs a window over 8 MiB, which `ZSTD_MEDIA_LIMITS` takes. */
export type ZstdLevel = 1 | 3 | 6 | 9 | 12 | 15 | 19

/**
 * One zstd frame of `bytes`, which declares its size: `decompress` accepts it under every limit that the data keeps. The work is done off the main thread;
 * `bytes` must not change until then. Throws `KEFU_INTERNAL` where zstd cannot be loaded or has no memory.
 */
export async function compress(bytes: Uint8Array, level: ZstdLevel = 3): Promise<Uint8Array> {
  const zstd = loadZstd()
  let frame: Uint8Array
  try {
    frame = await zstd.compress(asBuffer(bytes), level)
  } catch (cause) {
    throw new KefuError('KEFU_INTERNAL', { reason: 'zstd could not compress' }, { cause })
  }
  return declareSize(frame, bytes.length)
}

/**
 * What the one frame in `bytes` holds. Its headers are checked against `limits` first, and whatever they say, no more than `outputLimitBytes` and one
 * block (128 KiB) is ever produced. The work is done off the main thread; `bytes` is copied, so it may be reused when the call has returned. Throws `KEFU_CODEC_INVALID` naming the reason:
 * what `inspectZstd` refuses, damaged data, another size than declared; `KEFU_INTERNAL` where zstd cannot be loaded.
 */
export async function decompress(bytes: Uint8Array, limits: ZstdLimits): Promise<Uint8Array> {
  const frame = inspectZstd(bytes, limits)
  const own = ownCopy(bytes, frame, limits)
  const zstd = loadZstd()
  let output: Uint8Array
  try {
    output = await zstd.decompress(own)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new KefuError('KEFU_CODEC_INVALID', { reason: `zstd data is damaged (${reason})` }, { cause })
  }
  if (frame.declaredBytes !== undefined && output.length !== frame.declaredBytes)
    throw invalid(`zstd frame declares ${frame.declaredBytes} bytes and has ${output.length}`)
  if (output.length > limits.outputLimitBytes)
    throw invalid(`zstd frame expands to ${output.length} bytes, the limit is ${limits.outputLimitBytes}`)
  return output
}

/**
 * The decoder grows its output until the frame ends and compares a declared size only then, unless the frame is a single segment: then it allocates
 * the declared size and stops there. So a frame whose blocks could hold more than the limit is given the header of a single segment.
 */
function ownCopy(bytes: Uint8Array, frame: ZstdFrame, limits: ZstdLimits): Buffer {
  const { declaredBytes, blockBoundBytes } = frame
  return declaredBytes !== undefined && blockBoundBytes > limits.outputLimitBytes + ZSTD_BLOCK_BYTES
    ? withHeader(bytes, frame, declaredBytes, true)
    : Buffer.from(bytes)
}

/** The encoder streams, so it states a window for data of any length and no size. */
function declareSize(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const frame = inspectZstd(bytes, UNLIMITED)
  if (frame.declaredBytes !== undefined || sizeBytes > 0xffff_ffff) return bytes
  return withHeader(bytes, frame, sizeBytes, sizeBytes <= frame.windowBytes)
}

const UNLIMITED: ZstdLimits = { outputLimitBytes: Number.POSITIVE_INFINITY, windowLimitBytes: Number.POSITIVE_INFINITY }

/** The frame with another header, which declares the size. The window byte is kept unless the content is to be one segment. */
function withHeader(bytes: Uint8Array, frame: ZstdFrame, sizeBytes: number, isSingleSegment: boolean): Buffer {
  const isShort = isSingleSegment && sizeBytes <= 0xff
  const headerBytes = 5 + (isSingleSegment ? 0 : 1) + (isShort ? 1 : 4)
  const out = Buffer.allocUnsafe(headerBytes + bytes.length - frame.headerBytes)
  out.writeUInt32LE(ZSTD_MAGIC, 0)
  out[4] = (isShort ? 0 : 0x80) | (isSingleSegment ? 0x20 : 0) | (frame.hasChecksum ? 0x04 : 0)
  if (!isSingleSegment) out[5] = bytes[5]!
  if (isShort) out[5] = sizeBytes
  else out.writeUInt32LE(sizeBytes, headerBytes - 4)
  out.set(bytes.subarray(frame.headerBytes), headerBytes)
  return out
}

type Bindings = typeof import('@mongodb-js/zstd/bindings.js')

const require = createRequire(import.meta.url)

/** Loaded on first use: most commands never need the native module, and not every platform has it. `require`, as it costs little once loaded. */
function loadZstd(): Bindings {
  try {
    return require('@mongodb-js/zstd/bindings.js') as Bindings
  } catch (cause) {
    throw new KefuError('KEFU_INTERNAL', { reason: 'zstd cannot be loaded on this platform' }, { cause })
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}
