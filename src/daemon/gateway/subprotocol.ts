import { decodeFrame, decodeJsonFrame, encodeJsonFrame, type Frame } from '../../codec/frame.js'
import { readTextMessage } from '../../codec/text-message.js'
import { type ClientFrame, SUBPROTOCOLS } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'

/** How frames look on a socket. The engine speaks binary frames only. */
export type Subprotocol = {
  readonly name: string
  /** A frame of the usual kind, valid: a message of texts. Undefined for whatever `decode` and validation have to look at. */
  decodeMessage(bytes: Buffer, isBinary: boolean): ClientFrame | undefined
  /** A received message as a frame, not yet validated. Throws `KEFU_FRAME_INVALID`. */
  decode(bytes: Uint8Array, isBinary: boolean): Frame
  /** A binary frame of the engine as this socket wants it. */
  encode(frame: Uint8Array): Uint8Array | string
  /** Whether compressed bodies can be carried. */
  readonly carriesZstd: boolean
}

const utf8 = new TextDecoder()

const binary: Subprotocol = {
  name: SUBPROTOCOLS.binary,
  carriesZstd: true,
  decodeMessage: (bytes, isBinary) => (isBinary ? readTextMessage(bytes) : undefined),
  decode(bytes, isBinary) {
    if (!isBinary) throw new KefuError('KEFU_FRAME_INVALID', { reason: `${SUBPROTOCOLS.binary} takes binary messages` })
    return decodeFrame(bytes)
  },
  encode: frame => frame,
}

const json: Subprotocol = {
  name: SUBPROTOCOLS.json,
  carriesZstd: false,
  decodeMessage: () => undefined,
  decode(bytes, isBinary) {
    if (isBinary) throw new KefuError('KEFU_FRAME_INVALID', { reason: `${SUBPROTOCOLS.json} takes text messages` })
    return decodeJsonFrame(utf8.decode(bytes))
  },
  encode(bytes) {
    const { channel, kind, correlation, body } = decodeFrame(bytes)
    return encodeJsonFrame(channel, kind, correlation, body)
  },
}

/** The first offered subprotocol that kefu speaks. */
export function chooseSubprotocol(offered: readonly string[]): Subprotocol | undefined {
  for (const name of offered) {
    if (name === binary.name) return binary
    if (name === json.name) return json
  }
  return undefined
}
