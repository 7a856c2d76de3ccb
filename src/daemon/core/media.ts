import type { Readable } from 'node:stream'
import { fromBase32 } from '../../codec/base32.js'
import type { ConversationId } from '../../codec/conversation-id.js'
import { ORDERED_ID_LENGTH, orderedId, type RandomBytes } from './ordered-id.js'

/** Id of an uploaded file: `md_` and 26 characters of Base32, in the order of the uploads. */
export type MediaId = `md_${string}`

/** An id for a file that is to come. `nowMs`: epoch ms. */
export function newMediaId(nowMs: number, random: RandomBytes): MediaId {
  return orderedId('md', nowMs, random)
}

/** Whether a text has the form of a media id: the only texts that are ever used as a file name. */
export function isMediaId(text: string): text is MediaId {
  return text.length === 3 + ORDERED_ID_LENGTH && text.startsWith('md_') && fromBase32(text.slice(3)) !== undefined
}

/** When a file was uploaded, by the clock of that time (epoch ms). */
export function mediaTime(media: MediaId): number {
  const bytes = fromBase32(media.slice(3))
  if (bytes === undefined) throw new TypeError('not a media id')
  return bytes.subarray(0, 6).reduce((time, byte) => time * 256 + byte, 0)
}

/** What is served when nothing better is known: browsers save it and never interpret it. */
export const UNKNOWN_TYPE = 'application/octet-stream'

/**
 * The types that files are served as. `isInline`: a browser may show it in an element of a page; everything else is saved, under a name with the extension.
 * Types that can carry script (HTML, SVG, XML) are not here and never will be.
 */
export const MEDIA_TYPES = {
  'image/png': { isInline: true, extension: 'png' },
  'image/jpeg': { isInline: true, extension: 'jpg' },
  'image/gif': { isInline: true, extension: 'gif' },
  'image/webp': { isInline: true, extension: 'webp' },
  'image/avif': { isInline: true, extension: 'avif' },
  'image/heic': { isInline: true, extension: 'heic' },
  'image/bmp': { isInline: true, extension: 'bmp' },
  'audio/mpeg': { isInline: true, extension: 'mp3' },
  'audio/mp4': { isInline: true, extension: 'm4a' },
  'audio/aac': { isInline: true, extension: 'aac' },
  'audio/ogg': { isInline: true, extension: 'ogg' },
  'audio/wav': { isInline: true, extension: 'wav' },
  'audio/flac': { isInline: true, extension: 'flac' },
  'audio/amr': { isInline: true, extension: 'amr' },
  'audio/webm': { isInline: true, extension: 'weba' },
  'video/mp4': { isInline: true, extension: 'mp4' },
  'video/quicktime': { isInline: true, extension: 'mov' },
  'video/webm': { isInline: true, extension: 'webm' },
  'video/ogg': { isInline: true, extension: 'ogv' },
  'application/pdf': { isInline: false, extension: 'pdf' },
  'text/plain': { isInline: false, extension: 'txt' },
  'text/csv': { isInline: false, extension: 'csv' },
  'text/markdown': { isInline: false, extension: 'md' },
  'application/json': { isInline: false, extension: 'json' },
  [UNKNOWN_TYPE]: { isInline: false, extension: 'bin' },
} as const satisfies Record<string, { readonly isInline: boolean; readonly extension: string }>

/** A type that files are served as. */
export type MediaType = keyof typeof MEDIA_TYPES

/** What is known about an uploaded file. */
export type MediaMeta = {
  readonly conversation: ConversationId
  readonly media: MediaId
  /** What it is served as: found in the bytes or, for plain text, agreed with them; otherwise `application/octet-stream`. */
  readonly type: MediaType
  /** Size and SHA-256 (hex) of the file as it was uploaded, uncompressed. */
  readonly sizeBytes: number
  readonly sha256: string
  /** Epoch ms. */
  readonly createdAt: number
  /** Who uploaded it, as the engine names it. */
  readonly uploader: string
}

/** A file to keep. */
export type MediaUpload = {
  readonly conversation: ConversationId
  readonly uploader: string
  /** The sender's `Content-Type`, any text; only a hint. */
  readonly declaredType: string | undefined
  /** The id that it gets, where that was given out before; a file of this id is replaced. */
  readonly media?: MediaId
  /** Must not change until the call has settled. */
  readonly bytes: Uint8Array
}

/** What to read: all of it, a part of it (first and last byte, both inclusive, within the file), or its zstd frame as it is stored. */
export type MediaRead =
  | { readonly type: 'whole' }
  | { readonly type: 'range'; readonly first: number; readonly last: number }
  | { readonly type: 'zstd' }

/** A file that was found, and its reader. Holds nothing open. */
export type MediaFile = {
  readonly meta: MediaMeta
  /** Length of the one zstd frame that is stored; absent when the file is stored as it is. */
  readonly zstdBytes: number | undefined
  /**
   * The bytes asked for. Every byte is compared with its digest twice: all of them before this resolves and, where a stream is returned, again as they are read.
   * A stream must be read to its end or destroyed. Throws `KEFU_STORE_CORRUPT`, `KEFU_MEDIA_UNAVAILABLE`, `KEFU_MEDIA_NOT_FOUND` (it is gone),
   * `KEFU_ABORTED` when `signal` was aborted: nothing more is read then.
   */
  read(what: MediaRead, signal?: AbortSignal): Promise<Uint8Array | Readable>
}

/** Files that were removed, and the bytes that they took on disk. */
export type Removed = { readonly files: number; readonly bytes: number }

/** Uploaded files, by conversation. Nothing is shared between conversations. */
export type MediaPort = {
  /**
   * Keeps a file under a new id; on return it is on disk (fsync) and complete, otherwise nothing is visible. Throws `KEFU_BODY_TOO_LARGE`,
   * `KEFU_STORE_FULL` (nothing stored), `KEFU_MEDIA_UNAVAILABLE` (nothing usable stored), `KEFU_DRAINING` after `close`.
   */
  put(upload: MediaUpload): Promise<MediaMeta>
  /**
   * Keeps a file for good, because a message is about to name it: what no message has named within a day of its upload is removed. `false` when it is not
   * there. On return that is on disk (fsync). Any text may be asked for. Throws `KEFU_STORE_FULL`, `KEFU_MEDIA_UNAVAILABLE`: then it is kept, or as before.
   */
  keep(conversation: ConversationId, media: string): Promise<boolean>
  /**
   * The file's facts, verified, and its reader. Throws `KEFU_MEDIA_NOT_FOUND` (also for a text that is no media id), `KEFU_STORE_CORRUPT` naming
   * the file when its facts or its length are damaged, `KEFU_MEDIA_UNAVAILABLE`.
   */
  open(conversation: ConversationId, media: string): Promise<MediaFile>
  /**
   * Removes files of a conversation: those that are named, or all that were uploaded up to an instant (epoch ms), whether a message names them or not. On return they are
   * gone from the disk (fsync); how many there were, and their bytes on disk. Throws `KEFU_MEDIA_UNAVAILABLE`: then some may be left, and the same call once more removes them.
   */
  remove(conversation: ConversationId, which: { readonly upTo: number } | readonly string[]): Promise<Removed>
  /** Files and bytes that `remove` would remove. Throws `KEFU_MEDIA_UNAVAILABLE`. */
  measure(conversation: ConversationId, which: { readonly upTo: number } | readonly string[]): Promise<Removed>
  /** Ends the sweeps; resolves when running writes and the clean-up of an earlier crash are done. Idempotent. */
  close(): Promise<void>
}
