import { type ConversationId, formatConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { ByteReader, ByteWriter } from './bytes.js'
import { CHECKSUM_BYTES, openPart, writePart } from './checksum.js'

/**
 * The form of a segment's file:
 *
 *   for each chunk: its blocks, its conversations in pages, its agents
 *   the terms with their postings
 *   the tables, which say where everything else is
 *   the footer
 *
 * All of it are parts with checksums. Nothing is changed in a file that was finished.
 */

const MAGIC = 'kefu seg'
/** Magic, place and length of the tables. */
const FOOTER_CONTENT_BYTES = 20

/** Bytes of the footer: the last of the file. */
export const FOOTER_BYTES = CHECKSUM_BYTES + FOOTER_CONTENT_BYTES

/** Appends the footer. */
export function writeFooter(tablesOffset: number, tablesLength: number, out: ByteWriter): void {
  const footer = Buffer.alloc(FOOTER_CONTENT_BYTES)
  footer.write(MAGIC, 'latin1')
  footer.writeUIntLE(tablesOffset, 8, 6)
  footer.writeUIntLE(tablesLength, 14, 6)
  writePart(footer, out)
}

/** Where the tables are. Throws a RangeError for another footer. */
export function readFooter(part: Buffer): { readonly tablesOffset: number; readonly tablesLength: number } {
  const footer = openPart(part).take(FOOTER_CONTENT_BYTES)
  if (footer.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new RangeError('not a segment')
  return { tablesOffset: footer.readUIntLE(8, 6), tablesLength: footer.readUIntLE(14, 6) }
}

const ID_BYTES = 16
/** Conversations of a page: it is read for one of them. */
export const PAGE_CONVERSATIONS = 256
const PAGE_BYTES = CHECKSUM_BYTES + PAGE_CONVERSATIONS * ID_BYTES

/** Appends a chunk's conversations. */
export function writeConversations(conversations: readonly ConversationId[], out: ByteWriter): void {
  for (let at = 0; at < conversations.length; at += PAGE_CONVERSATIONS)
    writePart(Buffer.concat(conversations.slice(at, at + PAGE_CONVERSATIONS).map(parseConversationId)), out)
}

/** How many bytes a chunk's conversations take. */
export function conversationsBytes(count: number): number {
  return count * ID_BYTES + Math.ceil(count / PAGE_CONVERSATIONS) * CHECKSUM_BYTES
}

/** Where the page of a place begins among a chunk's conversations, and how long it is. */
export function conversationPage(place: number, count: number): { readonly offset: number; readonly length: number } {
  const page = Math.floor(place / PAGE_CONVERSATIONS)
  const onPage = Math.min(PAGE_CONVERSATIONS, count - page * PAGE_CONVERSATIONS)
  return { offset: page * PAGE_BYTES, length: CHECKSUM_BYTES + onPage * ID_BYTES }
}

/** The conversation at a place, from the content of its page. Throws a RangeError where the page ends early. */
export function conversationOn(page: Buffer, place: number): ConversationId {
  return formatConversationId(new ByteReader(page, (place % PAGE_CONVERSATIONS) * ID_BYTES).take(ID_BYTES))
}

/** A chunk's agents as a part. */
export function encodeAgents(agents: readonly string[]): Buffer {
  const out = new ByteWriter()
  writePart(Buffer.from(JSON.stringify(agents)), out)
  return out.view()
}

/** What `encodeAgents` was given. Throws a RangeError for other bytes. */
export function decodeAgents(part: Buffer): readonly string[] {
  const { bytes } = openPart(part)
  return JSON.parse(bytes.toString()) as string[]
}
