import { randomBytes } from 'node:crypto'
import { encodeFrame } from '../../src/codec/frame.js'
import { readHex, writeHex } from './scan.js'
import type { FrameBatch } from './socket.js'
import { createTexts } from './texts.js'

const VISITOR_DIGITS = 4
const NUMBER_DIGITS = 8
const PREFIX_LENGTH = 12
const ID_LENGTH = PREFIX_LENGTH + VISITOR_DIGITS + 1 + NUMBER_DIGITS
const CORRELATION_AT = 4

/** Visitors that ids can tell apart. */
export const VISITOR_LIMIT = 16 ** VISITOR_DIGITS

/**
 * Message frames, encoded once per text; only the id and the correlation are written per message. An id is 25 characters, as long as those of kefu's client:
 * 12 of this run, the visitor, and the message's number.
 */
export type MessageFrames = {
  /** Appends a visitor's message to a batch that has room for `frameLimitBytes`. Its correlation is `number` + 1. */
  write(batch: FrameBatch, visitor: number, number: number): void
  readonly frameLimitBytes: number
}

/** Frames of messages of about `textBytes` bytes of text each. */
export function createMessageFrames(channel: number, textBytes: number): MessageFrames {
  const id = `${randomBytes(PREFIX_LENGTH / 2).toString('hex')}${'0'.repeat(VISITOR_DIGITS)}-${'0'.repeat(NUMBER_DIGITS)}`
  const frames = createTexts(textBytes).map(text =>
    encodeFrame(channel, 'message', 0, { id, parts: [{ type: 'text', text }] }),
  )
  const idAt = Buffer.from(frames[0]!).indexOf(id)
  const frameLimitBytes = frames.reduce((most, frame) => Math.max(most, frame.length), 0)
  return {
    frameLimitBytes,
    write(batch, visitor, number) {
      const frame = frames[(visitor + number * 7) % frames.length]!
      const at = batch.reserve(frame.length)
      const { bytes } = batch
      bytes.set(frame, at)
      const correlation = number + 1
      bytes[at + CORRELATION_AT] = correlation >>> 24
      bytes[at + CORRELATION_AT + 1] = (correlation >>> 16) & 0xff
      bytes[at + CORRELATION_AT + 2] = (correlation >>> 8) & 0xff
      bytes[at + CORRELATION_AT + 3] = correlation & 0xff
      const visitorAt = at + idAt + PREFIX_LENGTH
      writeHex(bytes, visitorAt, VISITOR_DIGITS, visitor)
      writeHex(bytes, visitorAt + VISITOR_DIGITS + 1, NUMBER_DIGITS, number)
    },
  }
}

/** The visitor in the id (a msgpack text) at `at`. */
export function visitorOfId(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== (0xa0 | ID_LENGTH)) throw new Error('a message id of this run was expected')
  return readHex(bytes, at + 1 + PREFIX_LENGTH, VISITOR_DIGITS)
}

/** The message's number in the id at `at`. */
export function numberOfId(bytes: Uint8Array, at: number): number {
  return readHex(bytes, at + 1 + PREFIX_LENGTH + VISITOR_DIGITS + 1, NUMBER_DIGITS)
}
