import { FRAME_HEADER_BYTES, writeFrameHeader } from './frame.js'
import { MsgpackWriter, textRoom, VALUE_ROOM } from './msgpack-writer.js'
import type { Author, Part } from './wire.js'

/**
 * What is written for every message: its record's body, its acknowledgement, its delivery. The bytes are those that `pack` and `encodeFrame` make of the same
 * values.
 */

const TYPE_MESSAGE = constant('type', 'message')
const BY = constant('by')
const ROLE = constant('role')
const TYPE_TEXT = constant('type', 'text', 'text')
const ID = constant('id')
const NAME = constant('name')
const PARTS = constant('parts')
const CONVERSATION = constant('conversation')
const CONTACT = constant('contact')
const N = constant('n')
const AT = constant('at')
const CURSOR = constant('cursor')
const RECORD = constant('record')

/** Room for all keys and heads of one of the maps below, and its numbers. */
const FIXED_ROOM = 128

// Records live on in the feed of those who read along, frames are gone with their turn: they do not keep each other's memory.
const records = new MsgpackWriter()
const frames = new MsgpackWriter()

/** A message as it is stored. */
type Message = { readonly by: Author; readonly id?: string; readonly parts: readonly Part[] }

/** The body of a message's record behind `reservedBytes`; undefined when it has parts other than texts, or no id. */
export function packTextMessage({ by, id, parts }: Message, reservedBytes: number): Uint8Array | undefined {
  if (id === undefined) return undefined
  let room = reservedBytes + FIXED_ROOM + textRoom(id) + textRoom(by.role)
  if (by.id !== undefined) room += textRoom(by.id)
  if (by.name !== undefined) room += textRoom(by.name)
  for (const part of parts) {
    if (part.type !== 'text') return undefined
    room += textRoom(part.text) + TYPE_TEXT.length + VALUE_ROOM
  }
  records.begin(room, reservedBytes)
  records.map(4)
  records.raw(TYPE_MESSAGE)
  records.raw(BY)
  writeAuthor(by)
  records.raw(ID)
  records.text(id)
  records.raw(PARTS)
  records.array(parts.length)
  for (const part of parts) {
    records.map(2)
    records.raw(TYPE_TEXT)
    records.text((part as Extract<Part, { type: 'text' }>).text)
  }
  return records.end()
}

function writeAuthor({ role, id, name }: Author): void {
  records.map(1 + (id === undefined ? 0 : 1) + (name === undefined ? 0 : 1))
  records.raw(ROLE)
  records.text(role)
  if (id !== undefined) {
    records.raw(ID)
    records.text(id)
  }
  if (name !== undefined) {
    records.raw(NAME)
    records.text(name)
  }
}

/** The `ack` frame of a new message. */
export function encodeAck(
  channel: number,
  correlation: number,
  id: string,
  conversation: string,
  n: number,
): Uint8Array {
  frames.begin(FRAME_HEADER_BYTES + FIXED_ROOM + textRoom(id) + textRoom(conversation), FRAME_HEADER_BYTES)
  frames.map(3)
  frames.raw(ID)
  frames.text(id)
  frames.raw(CONVERSATION)
  frames.text(conversation)
  frames.raw(N)
  frames.uint(n)
  const bytes = frames.end()
  writeFrameHeader(bytes, channel, 'ack', correlation, 0)
  return bytes
}

/** The fields of a `deliver` frame beside its record. */
export type DeliverFields = {
  readonly conversation: string
  readonly contact: string | undefined
  readonly n: number
  readonly at: number
  readonly cursor: string | undefined
}

/** A `deliver` frame around a record's body, which is msgpack already. */
export function encodeDeliver(
  channel: number,
  { conversation, contact, n, at, cursor }: DeliverFields,
  record: Uint8Array,
): Uint8Array {
  let room = FRAME_HEADER_BYTES + FIXED_ROOM + textRoom(conversation) + record.length
  if (contact !== undefined) room += textRoom(contact)
  if (cursor !== undefined) room += textRoom(cursor)
  frames.begin(room, FRAME_HEADER_BYTES)
  frames.map(4 + (contact === undefined ? 0 : 1) + (cursor === undefined ? 0 : 1))
  frames.raw(CONVERSATION)
  frames.text(conversation)
  if (contact !== undefined) {
    frames.raw(CONTACT)
    frames.text(contact)
  }
  frames.raw(N)
  frames.uint(n)
  frames.raw(AT)
  frames.uint(at)
  if (cursor !== undefined) {
    frames.raw(CURSOR)
    frames.text(cursor)
  }
  frames.raw(RECORD)
  frames.raw(record)
  const bytes = frames.end()
  writeFrameHeader(bytes, channel, 'deliver', 0, 0)
  return bytes
}

/** Short texts as msgpack, one after the other. */
function constant(...texts: string[]): Uint8Array {
  return Buffer.concat(texts.map(text => Buffer.concat([Buffer.of(0xa0 | text.length), Buffer.from(text)])))
}
