import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { KefuError } from '../../errors.js'
import type { LogSink } from './log.js'

/** How large a log file grows, and how many older ones are kept as `.1`, `.2` … */
export const LOG_FILE = { limitBytes: 16 * 1024 * 1024, kept: 3 } as const

const OWNER_ONLY = 0o600

/** Lines to standard error: as they are, or for a person at a terminal as short text. A reader that went away is no reason to stop. */
export function createStderrSink(isTerminal: boolean): LogSink {
  process.stderr.on('error', () => undefined)
  return { write: line => void process.stderr.write(isTerminal ? readable(line) : line) }
}

/**
 * Lines to a file for its owner alone. When it would pass the limit, it is renamed to `.1` (and older ones on, the oldest goes) and a new one begun. A line is
 * with the system when `write` returns. A full disk loses lines, nothing else. Throws `KEFU_STORE_UNWRITABLE` when the file cannot be opened.
 */
export function createFileSink(path: string, limitBytes: number = LOG_FILE.limitBytes): LogSink {
  // Never a number that was closed: the system may have given it to another file meanwhile.
  let file: number | undefined = openLog(path)
  let bytes = fstatSync(file).size
  const close = (): void => {
    const open = file
    file = undefined
    if (open !== undefined) closeSync(open)
  }
  const begin = (): number => {
    const opened = openLog(path)
    bytes = fstatSync(opened).size
    return opened
  }
  return {
    close,
    write(line) {
      try {
        if (bytes > 0 && bytes + line.length > limitBytes) {
          close()
          rotateLog(path)
        }
        file ??= begin()
        bytes += writeSync(file, line)
      } catch {
        // There is nowhere left to say it, and the daemon must go on. The next line tries again.
      }
    },
  }
}

/** Renames `path` to `path.1`, `path.1` to `path.2` and so on; the oldest is overwritten. Files that are not there are passed over. */
export function rotateLog(path: string): void {
  for (let index = LOG_FILE.kept - 1; index >= 0; index--) {
    try {
      renameSync(index === 0 ? path : `${path}.${index}`, `${path}.${index + 1}`)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', OWNER_ONLY)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path, reason }, { cause: error })
  }
}

function readable(line: string): string {
  const { time, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${printable(value)}`)
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${[event, ...facts].join(' ')}\n`
}

/** A value on one line that cannot steer a terminal. */
function printable(value: unknown): string {
  const text = typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value)
  return text.replace(/\p{C}/gu, '\u{fffd}')
}
