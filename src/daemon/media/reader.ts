import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { decompress } from '../../codec/zstd.js'
import { isKefuError, KefuError } from '../../errors.js'
import type { MediaRead } from '../core/media.js'
import type { Budget } from '../engine/limits/budget.js'
import { readAt, withFile } from './disk.js'
import {
  BLOCK_BYTES,
  blockLength,
  decodeHeader,
  factsLength,
  isBlock,
  type MediaHeader,
  PREFIX_BYTES,
} from './format.js'
import type { Gate } from './gate.js'

/** What a read stands on; gate and budget are shared by all of one store. */
export type ReaderPorts = {
  readonly gate: Gate
  /** Memory for files that have to be decompressed for a peer without zstd. */
  readonly inflated: Budget
  /** Aborted when nobody waits for the bytes any more. */
  readonly signal: AbortSignal | undefined
}

/** A stored file: where it is, and what it must be. */
export type StoredFile = { readonly path: string; readonly name: string; readonly header: MediaHeader }

const FIRST_READ_BYTES = 4096
const ZSTD_WINDOW_BYTES = 8 * 1024 * 1024

/**
 * A file's header, verified, and its length compared; `undefined` when there is no such file. `name` is what errors call it. Throws `KEFU_STORE_CORRUPT`
 * and what the disk throws.
 */
export async function readHeader(path: string, name: string): Promise<MediaHeader | undefined> {
  return withFile(path, async file => {
    const first = await readAt(file, 0, FIRST_READ_BYTES)
    const header = await decode(file, first, name)
    const stat = await file.stat()
    if (!stat.isFile() || stat.size !== header.dataOffset + header.storedBytes)
      throw corrupt(name, `it has ${stat.size} bytes instead of ${header.dataOffset + header.storedBytes}`)
    return header
  })
}

/** The bytes asked for, as `MediaFile.read` promises. No file is open between two blocks, however slow the peer is. */
export async function readStored(
  ports: ReaderPorts,
  file: StoredFile,
  what: MediaRead,
): Promise<Uint8Array | Readable> {
  const { header } = file
  if (what.type === 'whole' && header.encoding === 'zstd') return inflate(ports, file)
  const first = what.type === 'range' ? what.first : 0
  const last = what.type === 'range' ? what.last : header.storedBytes - 1
  if (last < first) return new Uint8Array(0)
  const firstBlock = Math.floor(first / BLOCK_BYTES)
  const lastBlock = Math.floor(last / BLOCK_BYTES)
  if (firstBlock === lastBlock) {
    const block = await readBlock(ports, file, firstBlock)
    return block.subarray(first - firstBlock * BLOCK_BYTES, last - firstBlock * BLOCK_BYTES + 1)
  }
  for (let index = firstBlock; index <= lastBlock; index++) await readBlock(ports, file, index)
  return Readable.from(blocks(ports, file, first, last), { objectMode: false })
}

async function* blocks(ports: ReaderPorts, file: StoredFile, first: number, last: number): AsyncGenerator<Uint8Array> {
  for (let index = Math.floor(first / BLOCK_BYTES); index * BLOCK_BYTES <= last; index++) {
    const block = await readBlock(ports, file, index)
    const start = index * BLOCK_BYTES
    yield block.subarray(Math.max(0, first - start), Math.min(block.length, last - start + 1))
  }
}

async function readBlock(
  { gate, signal }: ReaderPorts,
  { path, name, header }: StoredFile,
  index: number,
): Promise<Uint8Array> {
  const length = blockLength(header, index)
  const bytes = await gate.run(async () => {
    stopIfAborted(signal)
    return withFile(path, file => readAt(file, header.dataOffset + index * BLOCK_BYTES, length))
  })
  if (bytes === undefined) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
  if (bytes.length !== length || !isBlock(header, index, bytes))
    throw corrupt(name, `the data differ from their digest in block ${index}`)
  return bytes
}

/** Decompresses a whole file. Its memory is accounted for until the last byte was taken or the stream was destroyed. */
async function inflate(ports: ReaderPorts, file: StoredFile): Promise<Uint8Array | Readable> {
  const { sizeBytes } = file.header.meta
  const release = ports.inflated.reserve(sizeBytes)
  if (release === undefined)
    throw new KefuError('KEFU_MEDIA_UNAVAILABLE', { reason: 'too many large files are being sent' })
  try {
    const bytes = await inflateVerified(ports, file)
    if (bytes.length <= BLOCK_BYTES) {
      release()
      return bytes
    }
    return Readable.from(pieces(bytes), { objectMode: false }).once('close', release)
  } catch (error) {
    release()
    throw error
  }
}

async function inflateVerified(ports: ReaderPorts, file: StoredFile): Promise<Uint8Array> {
  const { meta, storedBytes } = file.header
  const parts: Uint8Array[] = []
  for (let index = 0; index * BLOCK_BYTES < storedBytes; index++) parts.push(await readBlock(ports, file, index))
  const limits = { outputLimitBytes: meta.sizeBytes, windowLimitBytes: ZSTD_WINDOW_BYTES }
  const bytes = await decompress(Buffer.concat(parts), limits).catch((cause: unknown) => {
    throw isKefuError(cause, 'KEFU_CODEC_INVALID')
      ? corrupt(file.name, 'its data cannot be decompressed', cause)
      : cause
  })
  stopIfAborted(ports.signal)
  if (bytes.length !== meta.sizeBytes || createHash('sha256').update(bytes).digest('hex') !== meta.sha256)
    throw corrupt(file.name, 'its content differs from its digest')
  return bytes
}

/** A file is verified before its first byte goes out: for a peer that has gone meanwhile that is work for nobody. */
function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KefuError('KEFU_ABORTED')
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES)
}

async function decode(file: FileHandle, first: Uint8Array, name: string): Promise<MediaHeader> {
  try {
    const prefix = first.subarray(0, PREFIX_BYTES)
    const length = factsLength(prefix)
    const end = PREFIX_BYTES + length
    const json = end <= first.length ? first.subarray(PREFIX_BYTES, end) : await readAt(file, PREFIX_BYTES, length)
    return decodeHeader(prefix, json)
  } catch (cause) {
    if (!(cause instanceof KefuError)) throw cause
    throw corrupt(name, String(cause.detail.reason), cause)
  }
}

/** Damage to a stored file. */
export function corrupt(name: string, reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_STORE_CORRUPT', { where: `media ${name}: ${reason}` }, { cause })
}
