import { type ConversationId, formatConversationId } from '../../../codec/conversation-id.js'
import { MsgpackWriter, textRoom, VALUE_ROOM } from '../../../codec/msgpack-writer.js'
import { openValue, SEAL_BYTES, sealPacked } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import type { Egress, Head } from '../../core/model.js'
import { type Departure, NO_DEPARTURES } from '../../core/projection.js'
import { packDetails, unpackDetails } from './details-value.js'

/** What an `H` key holds. */
export type HeadValue = {
  readonly head: Head
  readonly departures: readonly Departure[]
  /** The record after which the window of its ids was saved; 0 for never. */
  readonly windowN: number
}

const STATES = ['new', 'waiting', 'active', 'snoozed', 'closed', 'bot'] as const
const FIELDS = 16

/** Room for the fields that are numbers, and for the heads of arrays. */
const FIXED_ROOM = 160

const writer = new MsgpackWriter()

/** A head as bytes with a CRC, which includes that of its key: a flat array of texts and numbers. */
export function encodeHead({ head, departures, windowN }: HeadValue, keyCrc: number): Uint8Array {
  const { kind, egress, contact, name, agent } = head
  const details = packDetails(head.details)
  let room = details.length + SEAL_BYTES + FIXED_ROOM + textRoom(kind) + textRoom(egress) + textRoom(contact)
  if (name !== undefined) room += textRoom(name)
  if (agent !== undefined) room += textRoom(agent)
  for (const departure of departures) room += textRoom(departure.agent) + VALUE_ROOM
  writer.begin(room, SEAL_BYTES)
  writer.array(FIELDS)
  writer.uint(head.n)
  writer.uint(head.seq)
  writer.uint(head.at)
  writer.uint(head.channel)
  writer.text(kind)
  writer.text(egress)
  writer.text(contact)
  writer.optionalText(name)
  writer.uint(STATES.indexOf(head.state))
  writer.optionalText(agent)
  if (head.waitingSince === undefined) writer.nil()
  else writer.uint(head.waitingSince)
  if (head.unansweredSince === undefined) writer.nil()
  else writer.uint(head.unansweredSince)
  if (head.saidAt === undefined) writer.nil()
  else writer.uint(head.saidAt)
  writer.raw(details)
  writer.array(2 * departures.length)
  for (const { agent, seq } of departures) {
    writer.text(agent)
    writer.uint(seq)
  }
  writer.uint(windowN)
  return sealPacked(writer.end(), keyCrc)
}

/** The value of `encodeHead`. Throws `KEFU_CODEC_INVALID`. */
export function decodeHead(key: Uint8Array, bytes: Uint8Array): HeadValue {
  const fields = openValue(key, bytes)
  if (!Array.isArray(fields) || fields.length !== FIELDS)
    throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not a head' })
  const conversation: ConversationId = formatConversationId(key.subarray(1))
  const departures = fields[14] as (string | number)[]
  return {
    head: {
      conversation,
      n: fields[0] as number,
      seq: fields[1] as number,
      at: fields[2] as number,
      channel: fields[3] as number,
      kind: fields[4] as Head['kind'],
      egress: fields[5] as Egress,
      contact: fields[6] as string,
      name: (fields[7] as string | null) ?? undefined,
      state: STATES[fields[8] as number] ?? 'new',
      agent: (fields[9] as string | null) ?? undefined,
      waitingSince: (fields[10] as number | null) ?? undefined,
      unansweredSince: (fields[11] as number | null) ?? undefined,
      saidAt: (fields[12] as number | null) ?? undefined,
      details: unpackDetails(fields[13] as unknown[]),
    },
    departures: departures.length === 0 ? NO_DEPARTURES : pairs(departures),
    windowN: fields[15] as number,
  }
}

function pairs(flat: readonly (string | number)[]): Departure[] {
  const departures: Departure[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) departures.push({ agent: flat[i] as string, seq: flat[i + 1] as number })
  return departures
}
