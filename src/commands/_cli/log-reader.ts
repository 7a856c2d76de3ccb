import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { KefuError } from '../../errors.js'

/** Reading a log file that grows and is renamed when it is full. */

/** Where reading stopped: which file, and how far. */
export type LogPosition = { readonly inode: number; readonly offset: number }

const CHUNK_BYTES = 64 * 1024
const POLL_MS = 200
const LINE_FEED = 0x0a

/** The last complete lines of a file, oldest first, and where it ended. Reads from the end, no more than needed. Throws `KEFU_LOG_NOT_FOUND`, `KEFU_LOG_UNREADABLE`. */
export async function lastLines(
  path: string,
  count: number,
): Promise<{ readonly lines: readonly string[]; readonly position: LogPosition }> {
  const file = await openLog(path)
  try {
    const { ino: inode, size } = await file.stat()
    let start = size
    let feeds = 0
    const chunks: Buffer[] = []
    while (start > 0 && feeds <= count) {
      const length = Math.min(CHUNK_BYTES, start)
      start -= length
      const chunk = await readAt(file, start, length)
      for (const byte of chunk) if (byte === LINE_FEED) feeds++
      chunks.unshift(chunk)
    }
    const bytes = Buffer.concat(chunks)
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    const lines = end === 0 ? [] : bytes.toString('utf8', 0, end - 1).split('\n')
    const shown = count === 0 ? [] : lines.slice(-count)
    return { lines: shown, position: { inode, offset: start + end } }
  } finally {
    await file.close()
  }
}

/** Calls back for every line that is written after a position, until the signal aborts. When the file was renamed, goes on with the new one. */
export async function followLog(
  path: string,
  from: LogPosition,
  show: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let { inode, offset } = from
  let file = await openLog(path)
  try {
    while (!signal.aborted) {
      offset = await showFrom(file, offset, show)
      const present = await stat(path).catch(() => undefined)
      if (present !== undefined && (present.ino !== inode || present.size < offset)) {
        await showFrom(file, offset, show)
        await file.close()
        file = await openLog(path)
        inode = present.ino
        offset = 0
      } else await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    await file.close()
  }
}

/** Shows the complete lines after an offset; the offset after them. */
async function showFrom(file: FileHandle, from: number, show: (line: string) => void): Promise<number> {
  let offset = from
  let rest = Buffer.alloc(0)
  for (;;) {
    const chunk = await readAt(file, offset + rest.length, CHUNK_BYTES)
    if (chunk.length === 0) return offset
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    if (end > 0) for (const line of bytes.toString('utf8', 0, end - 1).split('\n')) show(line)
    rest = bytes.subarray(end)
    offset += end
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new KefuError('KEFU_LOG_NOT_FOUND', { path })
    throw new KefuError('KEFU_LOG_UNREADABLE', { path, reason: String(code ?? error) }, { cause: error })
  }
}
