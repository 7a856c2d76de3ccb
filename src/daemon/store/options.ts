import { WIRE_LIMITS } from '../../codec/wire.js'
import type { Clock } from '../core/ports.js'

/** Where a store tells what happened to it. pino's logger fits. */
export type StoreLogger = {
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
}

/** Bounds of a store; every one has a default in `STORE_LIMITS`. */
export type StoreLimits = {
  /** A group commit takes at most this many records and bytes (one append alone may have more bytes). */
  readonly batchRecords: number
  readonly batchBytes: number
  /** Appends that wait for a place in a commit hold at most this much; more are refused with `KEFU_QUEUE_FULL`. */
  readonly queueBytes: number
  /** A commit or a look-up that takes longer fails its appends with `KEFU_STORE_UNAVAILABLE`. */
  readonly appendTimeoutMs: number
  /** Packed size of one record body, and of one directory value. */
  readonly messageBytes: number
  readonly directoryValueBytes: number
  /** Conversations whose heads are kept in memory. */
  readonly cachedConversations: number
  /** Committed records kept for those who read along. */
  readonly liveRecords: number
  /** LevelDB: memory table and log file, table files, block cache, file handles. */
  readonly writeBufferBytes: number
  readonly fileBytes: number
  readonly blockCacheBytes: number
  readonly openFiles: number
  /** Table files are verified at start up to this much, the newest first. */
  readonly verifyBytes: number
  /** Free disk space from which a full store tries again. */
  readonly resumeFreeBytes: number
  /** First pause between attempts to recover; after three failures it doubles, up to thirty times as long. */
  readonly recoverMs: number
  /** How long a read waits for a handle that is being replaced. */
  readonly readWaitMs: number
}

/** The limits that hold unless told otherwise. */
export const STORE_LIMITS: StoreLimits = {
  batchRecords: 1024,
  batchBytes: 1024 * 1024,
  queueBytes: 64 * 1024 * 1024,
  appendTimeoutMs: 15_000,
  messageBytes: WIRE_LIMITS.messageBytes,
  directoryValueBytes: 64 * 1024,
  cachedConversations: 50_000,
  liveRecords: 2048,
  writeBufferBytes: 8 * 1024 * 1024,
  fileBytes: 32 * 1024 * 1024,
  blockCacheBytes: 32 * 1024 * 1024,
  openFiles: 512,
  verifyBytes: 2 * 1024 * 1024 * 1024,
  resumeFreeBytes: 16 * 1024 * 1024,
  recoverMs: 1_000,
  readWaitMs: 5_000,
}

/** What a store is opened with. `path` is its own folder; it is made (0700) when it does not exist. */
export type StoreOptions = {
  readonly path: string
  readonly clock: Clock
  readonly limits?: Partial<StoreLimits>
  readonly logger?: StoreLogger
}

/** A logger that drops everything. */
export const SILENT: StoreLogger = { info: () => undefined, warn: () => undefined, error: () => undefined }
