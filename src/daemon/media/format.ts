import { createHash, timingSafeEqual } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { isConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import { isMediaId, MEDIA_TYPES, type MediaMeta, type MediaType, UNKNOWN_TYPE } from '../core/media.js'

/**
 * A media file on disk: `KFM1`, length of the facts u32 BE, their SHA-256, the facts (JSON), then the stored data: the file as it was uploaded, or one zstd
 * frame of it. The facts hold a SHA-256 of each 256 KiB of stored data, so that any part can be verified without reading the rest.
 */

/** Stored data is verified in pieces of this size. */
export const BLOCK_BYTES = 256 * 1024
/** Bytes before the facts. */
export const PREFIX_BYTES = 40

const MAGIC = Buffer.from('KFM1')
const FACTS_LIMIT_BYTES = 1024 * 1024
const HASH_BYTES = 32
const BLOCKS_PER_TURN = 8

const facts = z.strictObject({
  conversation: z.string().refine(isConversationId),
  media: z.string().refine(isMediaId),
  type: z.string().transform(servedType),
  sizeBytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.number(),
  uploader: z.string(),
  encoding: z.enum(['identity', 'zstd']),
  storedBytes: z.int().min(0),
  /** SHA-256 of each block, base64, joined. */
  blocks: z.string(),
})

/** What a file's header says. */
export type MediaHeader = {
  readonly meta: MediaMeta
  readonly encoding: 'identity' | 'zstd'
  readonly storedBytes: number
  /** SHA-256 of every block of stored data, one after the other. */
  readonly digests: Uint8Array
  /** Where the stored data starts. */
  readonly dataOffset: number
}

/** SHA-256 of all bytes, and of each block one after the other. */
export type Digests = { readonly whole: Uint8Array; readonly blocks: Uint8Array }

/** The digests of bytes, which must not change meanwhile. Never holds up the event loop for longer than a few blocks take. */
export async function digest(bytes: Uint8Array): Promise<Digests> {
  const whole = createHash('sha256')
  const blocks = Buffer.alloc(Math.ceil(bytes.length / BLOCK_BYTES) * HASH_BYTES)
  for (let index = 0, at = 0; at < bytes.length; index++, at += BLOCK_BYTES) {
    if (index % BLOCKS_PER_TURN === BLOCKS_PER_TURN - 1) await nextTurn()
    const block = bytes.subarray(at, at + BLOCK_BYTES)
    whole.update(block)
    sha256(block).copy(blocks, index * HASH_BYTES)
  }
  return { whole: whole.digest(), blocks }
}

/** The header of a file with these facts and stored data of this length and these digests. */
export function encodeHeader(
  meta: MediaMeta,
  stored: { readonly encoding: 'identity' | 'zstd'; readonly bytes: Uint8Array; readonly digests: Digests },
): Uint8Array {
  const row: z.infer<typeof facts> = {
    ...meta,
    encoding: stored.encoding,
    storedBytes: stored.bytes.length,
    blocks: Buffer.from(stored.digests.blocks).toString('base64'),
  }
  const json = Buffer.from(JSON.stringify(row))
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MAGIC.copy(prefix)
  prefix.writeUInt32BE(json.length, MAGIC.length)
  sha256(json).copy(prefix, MAGIC.length + 4)
  return Buffer.concat([prefix, json])
}

/** Length of the facts that follow a prefix. Throws `KEFU_CODEC_INVALID`. */
export function factsLength(prefix: Uint8Array): number {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length)
  if (bytes.length < PREFIX_BYTES) throw invalid('the header is cut off')
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('the header does not start as it must')
  const length = bytes.readUInt32BE(MAGIC.length)
  if (length > FACTS_LIMIT_BYTES) throw invalid('the header states an impossible length')
  return length
}

/** The header from its prefix and facts; nothing is believed that the digest does not cover. Throws `KEFU_CODEC_INVALID`. */
export function decodeHeader(prefix: Uint8Array, json: Uint8Array): MediaHeader {
  if (json.length !== factsLength(prefix)) throw invalid('the header is cut off')
  if (!timingSafeEqual(sha256(json), prefix.subarray(MAGIC.length + 4, PREFIX_BYTES)))
    throw invalid('the header differs from its digest')
  const parsed = facts.safeParse(parseJson(json))
  if (!parsed.success) throw invalid('the header has unknown or missing facts')
  const { encoding, storedBytes, blocks, ...meta } = parsed.data
  const digests = Buffer.from(blocks, 'base64')
  if (digests.length !== Math.ceil(storedBytes / BLOCK_BYTES) * HASH_BYTES)
    throw invalid('the header lacks digests of the data')
  return { meta, encoding, storedBytes, digests, dataOffset: PREFIX_BYTES + json.length }
}

/** Whether the bytes are block `index` of the stored data. */
export function isBlock(header: MediaHeader, index: number, bytes: Uint8Array): boolean {
  return timingSafeEqual(sha256(bytes), header.digests.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES))
}

/** Length of block `index` of the stored data. */
export function blockLength(header: MediaHeader, index: number): number {
  return Math.min(BLOCK_BYTES, header.storedBytes - index * BLOCK_BYTES)
}

/** A type that this version does not know is served as unknown. */
function servedType(type: string): MediaType {
  return Object.hasOwn(MEDIA_TYPES, type) ? (type as MediaType) : UNKNOWN_TYPE
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString())
  } catch {
    throw invalid('the header is not JSON')
  }
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}
