import { KefuError } from '../../errors.js'
import { FRAME_LIMIT_BYTES } from './limits.js'

const CLOSE_REASON_LIMIT_BYTES = 123

/** How many frames of at most `FRAME_LIMIT_BYTES` a payload of `bytes` bytes needs; at least 1. */
export function frameCount(bytes: number): number {
  return bytes <= FRAME_LIMIT_BYTES ? 1 : Math.ceil(bytes / FRAME_LIMIT_BYTES)
}

/** The payload of frame `index` (from 0) of `payload`: a view, not a copy. */
export function framePayload(payload: Uint8Array, index: number): Uint8Array {
  return payload.subarray(index * FRAME_LIMIT_BYTES, (index + 1) * FRAME_LIMIT_BYTES)
}

/** `reason` cut to the 123 bytes of UTF-8 that fit into a close frame, never in the middle of a character. */
export function closeReason(reason: string): string {
  const bytes = Buffer.from(reason)
  if (bytes.byteLength <= CLOSE_REASON_LIMIT_BYTES) return bytes.toString()
  let end = CLOSE_REASON_LIMIT_BYTES
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Throws `KEFU_INTERNAL` unless a close frame may carry `code`. */
export function checkCloseCode(code: number): void {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
  const isPrivate = code >= 3000 && code <= 4999
  if (!Number.isInteger(code) || !(isDefined || isPrivate)) {
    throw new KefuError('KEFU_INTERNAL', { reason: `${code} is not a WebSocket close code` })
  }
}
