import type { ConversationId } from '../../codec/conversation-id.js'
import { encodeRawFrame, FRAME_HEADER_BYTES, packRawArray, packWithRaw } from '../../codec/frame.js'
import { pack } from '../../codec/msgpack.js'
import { FRAME_FLAGS, WIRE_LIMITS } from '../../codec/wire.js'
import { compress } from '../../codec/zstd.js'
import type { LogRecord } from '../core/log-record.js'

/** What contacts get in place of an internal record: the number is kept, the content is not told. */
const INTERNAL_STUB = pack({ type: 'internal' })

/** Room for records in a frame, beside header and page fields. */
const PAGE_BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 256
/** Uncompressed records that a compressed page may hold; well under what clients agree to inflate. */
const ZSTD_BUDGET_BYTES = 48 * 1024

/** Bytes worth reading from the log for one page. */
export const PAGE_READ_BYTES = ZSTD_BUDGET_BYTES

/** A record's body as an audience may see it. */
export function visibleBody(record: LogRecord, isContactSide: boolean): Uint8Array {
  return isContactSide && record.isInternal ? INTERNAL_STUB : record.rawBody
}

/** A page frame and the records that found room in it. */
export type PageFrame = { readonly frame: Uint8Array; readonly first: number; readonly last: number }

/** How a page is to be made. */
export type PageOptions = {
  readonly channel: number
  readonly correlation: number
  readonly conversation: ConversationId
  /** The conversation's last `n`. */
  readonly head: number
  readonly isContactSide: boolean
  readonly acceptsZstd: boolean
  /** Which end of `records` has to be in the page when not all fit. */
  readonly keep: 'first' | 'last'
}

/**
 * A `page` frame of contiguous records: as many as fit 15 KiB, compressed when the client can and it gains room. `records` may be empty: then
 * `after` is where the page stands.
 */
export async function buildPage(
  records: readonly LogRecord[],
  after: number,
  options: PageOptions,
): Promise<PageFrame> {
  const items = records.map(record =>
    packWithRaw({ n: record.n, at: record.at }, 'record', visibleBody(record, options.isContactSide)),
  )
  if (options.acceptsZstd && total(items) > PAGE_BUDGET_BYTES / 2) {
    const chosen = choose(items, ZSTD_BUDGET_BYTES, options.keep)
    const place = placeOf(records, chosen, after)
    const body = await compress(pageBody(items.slice(chosen.from, chosen.to), place.first - 1, options))
    if (FRAME_HEADER_BYTES + body.length <= WIRE_LIMITS.serverFrameBytes) {
      return { ...place, frame: encodeRawFrame(options.channel, 'page', options.correlation, body, FRAME_FLAGS.zstd) }
    }
  }
  const chosen = choose(items, PAGE_BUDGET_BYTES, options.keep)
  const place = placeOf(records, chosen, after)
  const body = pageBody(items.slice(chosen.from, chosen.to), place.first - 1, options)
  return { ...place, frame: encodeRawFrame(options.channel, 'page', options.correlation, body) }
}

type Range = { readonly from: number; readonly to: number }

/** The longest run from the wanted end that fits; one record always does. */
function choose(items: readonly Uint8Array[], budgetBytes: number, keep: 'first' | 'last'): Range {
  let count = 0
  let bytes = 0
  while (count < items.length) {
    bytes += items[keep === 'first' ? count : items.length - 1 - count]!.length
    if (bytes > budgetBytes && count > 0) break
    count++
  }
  return keep === 'first' ? { from: 0, to: count } : { from: items.length - count, to: items.length }
}

function placeOf(
  records: readonly LogRecord[],
  range: Range,
  after: number,
): { readonly first: number; readonly last: number } {
  const first = records[range.from]
  return first === undefined ? { first: after + 1, last: after } : { first: first.n, last: records[range.to - 1]!.n }
}

function pageBody(items: readonly Uint8Array[], after: number, options: PageOptions): Uint8Array {
  return packWithRaw({ conversation: options.conversation, after, head: options.head }, 'records', packRawArray(items))
}

function total(items: readonly Uint8Array[]): number {
  let bytes = 0
  for (const item of items) bytes += item.length
  return bytes
}
