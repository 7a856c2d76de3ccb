import { type ConversationId, formatConversationId } from '../../../codec/conversation-id.js'
import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import type { Egress, Head } from '../../core/model.js'
import { type Departure, NO_DEPARTURES } from '../../core/projection.js'

/** What an `H` key holds. */
export type HeadValue = {
  readonly head: Head
  readonly departures: readonly Departure[]
  /** The record after which the window of its ids was saved; 0 for never. */
  readonly windowN: number
}

const STATES = ['new', 'waiting', 'active'] as const
const NONE: readonly never[] = []
const FIELDS = 14

/** A head as bytes with a CRC: a flat array of texts, numbers and bytes. */
export function encodeHead(key: Uint8Array, { head, departures, windowN }: HeadValue, keyCrc?: number): Uint8Array {
  const fields = [
    head.n,
    head.seq,
    head.at,
    head.channel,
    head.kind,
    head.egress,
    head.contact,
    head.name ?? null,
    STATES.indexOf(head.state),
    head.agent ?? null,
    head.waitingSince ?? null,
    departures.length === 0 ? NONE : departures.flatMap(({ agent, seq }) => [agent, seq]),
    windowN,
    // Room for one more field without a new format.
    null,
  ]
  return sealValue(key, fields, keyCrc)
}

/** The value of `encodeHead`. Throws `KEFU_CODEC_INVALID`. */
export function decodeHead(key: Uint8Array, bytes: Uint8Array): HeadValue {
  const fields = openValue(key, bytes)
  if (!Array.isArray(fields) || fields.length !== FIELDS)
    throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not a head' })
  const conversation: ConversationId = formatConversationId(key.subarray(1))
  const departures = fields[11] as (string | number)[]
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
    },
    departures: departures.length === 0 ? NO_DEPARTURES : pairs(departures),
    windowN: fields[12] as number,
  }
}

function pairs(flat: readonly (string | number)[]): Departure[] {
  const departures: Departure[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) departures.push({ agent: flat[i] as string, seq: flat[i + 1] as number })
  return departures
}
