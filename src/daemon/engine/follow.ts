import { formatCursor, parseCursor } from '../core/cursor.js'
import { pause } from '../core/pause.js'
import type { Clock, Cursor, LogEntry, LogPort } from '../core/ports.js'

/** What following the log stands on. */
export type FollowPorts = {
  readonly log: Pick<LogPort, 'tail'>
  readonly clock: Clock
  /** Called with every record after the start, in log order. */
  handle(entry: LogEntry): void
  /** Called after each batch of records, whatever became of them. */
  batchEnded(): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const RETRY_MS = 1_000

/** Follows the log until the signal. A failure is reported, and reading goes on after a pause where it stood. Never rejects. */
export async function followLog(ports: FollowPorts, start: Cursor, signal: AbortSignal): Promise<void> {
  let seq = parseCursor(start)
  while (!signal.aborted) {
    try {
      for await (const entries of ports.log.tail(formatCursor(seq), signal)) {
        try {
          for (const entry of entries) {
            // Passed before it is handled: a record that cannot be is reported once, and does not stand before all others for ever.
            seq = entry.record.seq
            ports.handle(entry)
          }
        } finally {
          ports.batchEnded()
        }
      }
    } catch (error) {
      ports.report(error)
    }
    // Also when it ended by itself, as the tail of a closed log does.
    await pause(ports.clock, RETRY_MS, signal)
  }
}
