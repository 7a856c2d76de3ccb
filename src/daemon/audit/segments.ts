import { constants } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The files of the audit log. Each is named by the number of its first entry, so that their names in order are the log in order, and a file that is gone shows.
 */
export type Segment = {
  readonly path: string
  readonly name: string
  /** The number of its first entry. */
  readonly first: number
}

/** A complete line, without its line feed, and the offset behind it. */
export type LineAt = { readonly bytes: Buffer; readonly end: number }

const NAME = /^audit-(\d{12})\.jsonl$/
const CHUNK_BYTES = 64 * 1024
const LINE_FEED = 0x0a
/** A line that is longer than any that is written; it is read in pieces of this size. */
const LINE_LIMIT_BYTES = 128 * 1024

/** The file whose first entry has this number. */
export function segmentAt(folder: string, first: number): Segment {
  const name = `audit-${String(first).padStart(12, '0')}.jsonl`
  return { path: join(folder, name), name, first }
}

/** The files in a folder, in order; none when there is no such folder. Throws what the system throws. */
export async function listSegments(folder: string): Promise<readonly Segment[]> {
  let names: readonly string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  return names
    .flatMap(name => NAME.exec(name)?.[1] ?? [])
    .map(digits => segmentAt(folder, Number(digits)))
    .sort((a, b) => a.first - b.first)
}

/** Opens a file for reading: no link, and nothing that keeps one waiting. Throws what the system throws. */
export function openForReading(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

/** The complete lines of a file up to an offset, first to last. What follows the last line feed is none. */
export async function* linesForward(file: FileHandle, endAt: number): AsyncGenerator<LineAt, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  while (offset < endAt) {
    const chunk = await readAt(file, offset, Math.min(CHUNK_BYTES, endAt - offset))
    if (chunk.length === 0) return
    const start = offset - rest.length
    offset += chunk.length
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let feed = bytes.indexOf(LINE_FEED); feed >= 0; feed = bytes.indexOf(LINE_FEED, from)) {
      yield { bytes: bytes.subarray(from, feed), end: start + feed + 1 }
      from = feed + 1
    }
    rest = bytes.subarray(from)
    if (rest.length < LINE_LIMIT_BYTES) continue
    yield { bytes: rest, end: offset }
    rest = Buffer.alloc(0)
  }
}

/** The complete lines of a file that end at an offset, last to first. */
export async function* linesBackward(file: FileHandle, endAt: number): AsyncGenerator<Buffer, void, undefined> {
  let start = endAt
  let rest: Buffer = Buffer.alloc(0)
  while (start > 0) {
    const length = Math.min(CHUNK_BYTES, start)
    start -= length
    const chunk = await readAt(file, start, length)
    let bytes = rest.length === 0 ? chunk : Buffer.concat([chunk, rest])
    // The feed at the end of `bytes` ends its last line; the one before begins it.
    for (;;) {
      const feed = bytes.length < 2 ? -1 : bytes.lastIndexOf(LINE_FEED, bytes.length - 2)
      if (feed < 0) break
      yield bytes.subarray(feed + 1, bytes.length - 1)
      bytes = bytes.subarray(0, feed + 1)
    }
    rest = bytes.length > LINE_LIMIT_BYTES ? Buffer.from('\n') : bytes
  }
  if (rest.length > 1) yield rest.subarray(0, rest.length - 1)
}

/** Whether an error of the system has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
