import type { JsonBytes } from '../../../codec/msgpack-json.js'
import { RECORD_FLAGS } from '../../../codec/record.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'

/** The name that a channel is shown by; of one that is gone its number. */
export type ChannelNames = (number: number) => string

/** What all lines of a conversation say alike: through what, and who. */
export function contextOf(head: Pick<Head, 'channel' | 'kind' | 'contact' | 'name'>, nameOf: ChannelNames): string {
  const { channel, kind, contact, name } = head
  const context = JSON.stringify({ channel: nameOf(channel), kind, contact, ...(name !== undefined && { name }) })
  return context.slice(1, -1)
}

/** Writes a record as a line of NDJSON, with what `contextOf` says of its conversation. */
export function writeLine(json: JsonBytes, record: LogRecord, context: string): void {
  const { conversation, n, seq, at, flags, rawBody } = record
  const forgotten = (flags & RECORD_FLAGS.tombstone) === 0 ? '' : '"forgotten":true,'
  json.text(
    `{"type":"record","conversation":"${conversation}","n":${n},"seq":${seq},"at":${at},${context},${forgotten}"body":`,
  )
  if (!json.value(rawBody)) json.text(JSON.stringify(record.body))
  json.text('}\n')
}

/** Whether a record is a message. Looked at in its bytes where they begin as usual: most are not worth decoding for that. */
export function isMessage(record: LogRecord): boolean {
  const { rawBody } = record
  if ((rawBody[0]! & 0xf0) !== 0x80) return record.body.type === 'message'
  for (let i = 0; i < TYPE_KEY.length; i++) if (rawBody[i + 1] !== TYPE_KEY[i]) return record.body.type === 'message'
  for (let i = 0; i < MESSAGE.length; i++) if (rawBody[i + 1 + TYPE_KEY.length] !== MESSAGE[i]) return false
  return true
}

/** A map's first key and its value, as msgpack. */
const TYPE_KEY = msgpackText('type')
const MESSAGE = msgpackText('message')

function msgpackText(text: string): Uint8Array {
  return Buffer.concat([Buffer.of(0xa0 + text.length), Buffer.from(text)])
}
