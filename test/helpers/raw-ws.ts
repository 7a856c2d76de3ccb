import { randomBytes } from 'node:crypto'
import { type ConnectOptions, type RawConnection, rawConnect } from './raw-connection.js'
import { parseResponses, type RawResponse, rawRequest } from './raw-http.js'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A frame as it came over the wire. */
export type RawFrame = {
  readonly isFinal: boolean
  /** The three reserved bits. */
  readonly reserved: number
  readonly opcode: number
  readonly isMasked: boolean
  readonly payload: Buffer
}

/** What to send; by default a whole masked binary frame with its true length. */
export type FrameParts = {
  readonly opcode?: number
  readonly payload?: Uint8Array | string
  readonly isFinal?: boolean
  readonly reserved?: number
  readonly isMasked?: boolean
  /** A length to claim instead of the true one, as 64 bits. */
  readonly claimedLength?: bigint
}

/** An upgraded raw connection. */
export type RawWebSocket = RawConnection & {
  readonly handshake: RawResponse
  /** Frames received so far, whole ones only. */
  frames(): RawFrame[]
  /** Resolves when `isEnough` holds for the frames. */
  untilFrames(isEnough: (frames: RawFrame[]) => boolean, timeoutMs?: number): Promise<RawFrame[]>
  sendFrame(parts: FrameParts): void
}

/** The bytes of one frame. */
export function encodeFrame(parts: FrameParts): Buffer {
  const payload = Buffer.from(parts.payload ?? '')
  const isMasked = parts.isMasked ?? true
  const first = ((parts.isFinal ?? true) ? 0x80 : 0) | ((parts.reserved ?? 0) << 4) | (parts.opcode ?? OPCODE.binary)
  const head: number[] = [first]
  const maskBit = isMasked ? 0x80 : 0
  if (parts.claimedLength !== undefined || payload.byteLength > 0xffff) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(parts.claimedLength ?? BigInt(payload.byteLength))
    head.push(maskBit | 127, ...length)
  } else if (payload.byteLength > 125) {
    head.push(maskBit | 126, payload.byteLength >> 8, payload.byteLength & 0xff)
  } else {
    head.push(maskBit | payload.byteLength)
  }
  if (!isMasked) return Buffer.concat([Buffer.from(head), payload])
  const mask = randomBytes(4)
  const masked = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
  return Buffer.concat([Buffer.from(head), mask, masked])
}

/** The whole frames in `bytes` from `start` on. */
export function decodeFrames(bytes: Buffer, start = 0): RawFrame[] {
  const frames: RawFrame[] = []
  let at = start
  for (;;) {
    if (bytes.byteLength < at + 2) return frames
    const first = bytes.readUInt8(at)
    const second = bytes.readUInt8(at + 1)
    let length = second & 0x7f
    let payloadAt = at + 2
    if (length === 126) {
      if (bytes.byteLength < at + 4) return frames
      length = bytes.readUInt16BE(at + 2)
      payloadAt = at + 4
    } else if (length === 127) {
      if (bytes.byteLength < at + 10) return frames
      length = Number(bytes.readBigUInt64BE(at + 2))
      payloadAt = at + 10
    }
    if (bytes.byteLength < payloadAt + length) return frames
    frames.push({
      isFinal: (first & 0x80) !== 0,
      reserved: (first >> 4) & 7,
      opcode: first & 0x0f,
      isMasked: (second & 0x80) !== 0,
      payload: bytes.subarray(payloadAt, payloadAt + length),
    })
    at = payloadAt + length
  }
}

/** The data messages that `frames` make up; throws when fragments are not in order. */
export function joinMessages(frames: readonly RawFrame[]): { readonly opcode: number; readonly payload: Buffer }[] {
  const messages: { opcode: number; payload: Buffer }[] = []
  let open: { opcode: number; parts: Buffer[] } | undefined
  for (const frame of frames) {
    if (frame.opcode >= OPCODE.close) continue
    if ((frame.opcode === OPCODE.continuation) !== (open !== undefined)) throw new Error('fragments out of order')
    open ??= { opcode: frame.opcode, parts: [] }
    open.parts.push(frame.payload)
    if (!frame.isFinal) continue
    messages.push({ opcode: open.opcode, payload: Buffer.concat(open.parts) })
    open = undefined
  }
  return messages
}

/** The lines of a correct upgrade request. */
export function upgradeHeaders(extra: readonly string[] = []): string[] {
  const key = randomBytes(16).toString('base64')
  return [
    'upgrade: websocket',
    'connection: Upgrade',
    `sec-websocket-key: ${key}`,
    'sec-websocket-version: 13',
    ...extra,
  ]
}

/** Connects and upgrades, or throws with the status that was answered instead. */
export async function rawUpgrade(
  port: number,
  path = '/',
  headers: readonly string[] = [],
  options: ConnectOptions = {},
): Promise<RawWebSocket> {
  const connection = await rawConnect(port, options)
  connection.write(rawRequest('GET', path, upgradeHeaders(headers)))
  const head = await connection.until(bytes => bytes.indexOf('\r\n\r\n') !== -1)
  const frameStart = head.indexOf('\r\n\r\n') + 4
  const handshake = parseResponses(head.subarray(0, frameStart), true)[0]
  if (handshake?.status !== 101) {
    connection.destroy()
    throw new Error(`the upgrade was answered ${handshake?.status}`)
  }
  const frames = (): RawFrame[] => decodeFrames(connection.received(), frameStart)
  return Object.assign(Object.create(connection) as RawConnection, {
    handshake,
    frames,
    untilFrames: async (isEnough: (frames: RawFrame[]) => boolean, timeoutMs?: number) => {
      await connection.until(bytes => isEnough(decodeFrames(bytes, frameStart)), timeoutMs)
      return frames()
    },
    sendFrame: (parts: FrameParts) => connection.write(encodeFrame(parts)),
  })
}
