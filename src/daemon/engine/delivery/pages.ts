import type { ConversationId } from '../../../codec/conversation-id.js'
import { encodeRawFrame, FRAME_HEADER_BYTES, packRawArray, packWithRaw } from '../../../codec/frame.js'
import { pack } from '../../../codec/msgpack.js'
import { FRAME_FLAGS, WIRE_LIMITS } from '../../../codec/wire.js'
import { compress } from '../../../codec/zstd.js'
import type { LogRecord } from '../../core/log-record.js'
import type { LogPort } from '../../core/ports.js'
import { contactView } from '../../core/records.js'

/** What contacts get in place of an internal record: the number is kept, the content is not told. */
const INTERNAL_STUB = pack({ type: 'internal' })

/** Room for records in a frame, beside header and page fields. */
const PAGE_BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 256
/** Uncompressed records that a compressed page may hold; well under what clients agree to inflate. */
const ZSTD_BUDGET_BYTES = 48 * 1024

/** Records that are read first when a page is filled from its end; then twice as many, until it is full. */
const FIRST_CHUNK = 16

/** Bytes worth reading from the log for one page. */
export function pageReadBytes(acceptsZstd: boolean): number {
  return acceptsZstd ? ZSTD_BUDGET_BYTES : PAGE_BUDGET_BYTES
}

/**
 * The last records before a number, oldest first: at most `limit`, and not many more than are worth reading for one page. The log reads forwards only, and
 * nobody knows how long records are: asked for all of them at once, it may read a hundred times what a page holds.
 */
export async function readBackwards(
  log: Pick<LogPort, 'read'>,
  conversation: ConversationId,
  before: number,
  limit: number,
  limitBytes: number,
): Promise<LogRecord[]> {
  let records: LogRecord[] = []
  let bytes = 0
  let last = before - 1
  for (let chunk = FIRST_CHUNK; last > 0 && records.length < limit && bytes < limitBytes; chunk *= 2) {
    const count = Math.min(chunk, limit - records.length, last)
    const earlier = await log.read(conversation, last - count, count, Number.POSITIVE_INFINITY)
    for (const record of earlier) bytes += record.bytes.length
    records = [...earlier, ...records]
    last -= count
  }
  return records
}

/** A record's body as an audience may see it. */
export function visibleBody(record: LogRecord, isContactSide: boolean): Uint8Array {
  if (!isContactSide) return record.rawBody
  if (record.isInternal) return INTERNAL_STUB
  return record.isPartial ? pack(contactView(record.body)) : record.rawBody
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
    const body = await compress(pageBody(items.slice(chosen.from, chosen.to), place, options))
    if (FRAME_HEADER_BYTES + body.length <= WIRE_LIMITS.serverFrameBytes) {
      return { ...place, frame: encodeRawFrame(options.channel, 'page', options.correlation, body, FRAME_FLAGS.zstd) }
    }
  }
  const chosen = choose(items, PAGE_BUDGET_BYTES, options.keep)
  const place = placeOf(records, chosen, after)
  const body = pageBody(items.slice(chosen.from, chosen.to), place, options)
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

type Place = { readonly first: number; readonly last: number }

function placeOf(records: readonly LogRecord[], range: Range, after: number): Place {
  const first = records[range.from]
  return first === undefined ? { first: after + 1, last: after } : { first: first.n, last: records[range.to - 1]!.n }
}

/** `head` was looked up before the records were read: there may be more by now. */
function pageBody(items: readonly Uint8Array[], { first, last }: Place, options: PageOptions): Uint8Array {
  const fields = { conversation: options.conversation, after: first - 1, head: Math.max(options.head, last) }
  return packWithRaw(fields, 'records', packRawArray(items))
}

function total(items: readonly Uint8Array[]): number {
  let bytes = 0
  for (const item of items) bytes += item.length
  return bytes
}
