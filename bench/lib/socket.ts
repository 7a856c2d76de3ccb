import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { FRAME_HEADER_BYTES } from '../../src/codec/frame.js'
import { SOCKET_PATH, SUBPROTOCOLS } from '../../src/codec/wire.js'

/**
 * A WebSocket client that costs as little as it can: frames are parsed where the kernel put them, several leave in one write, and the mask is zero
 * (RFC 6455 section 5.3 wants it unpredictable against hostile proxies; on loopback there are none), so that masking is no work.
 */

/** What the owner of sockets does with what they receive. Called synchronously. */
export type SocketEvents = {
  /** The payload of one binary message: `bytes` from `start` to `end`, valid only during the call. */
  message(socket: LeanSocket, bytes: Buffer, start: number, end: number): void
  /** Everything that came in one read has been handed over. */
  readEnd(socket: LeanSocket): void
  /** The connection is gone without `close` having been called. */
  lost(socket: LeanSocket, reason: string): void
}

/** Where to connect. */
export type SocketAddress = { readonly host: string; readonly port: number; readonly localAddress?: string }

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const READ_BYTES = 256 * 1024
const BATCH_BYTES = 256 * 1024
const CONNECT_TIMEOUT_MS = 20_000
const MASK_BYTES = 4

/** All sockets of a process read into the same memory: what a read left incomplete is kept by its socket. */
export type ReadMemory = { readonly chunk: Buffer; joined: Buffer }

/** The memory that the sockets of one load share. */
export function createReadMemory(): ReadMemory {
  return { chunk: Buffer.allocUnsafeSlow(READ_BYTES), joined: Buffer.allocUnsafeSlow(READ_BYTES * 2) }
}

/** One WebSocket with the subprotocol `kefu.v1`. */
export class LeanSocket {
  /** Whatever the owner wants to find again. */
  readonly index: number
  readonly #events: SocketEvents
  readonly #memory: ReadMemory
  readonly #socket: Socket
  /** The bytes of a frame that has not come in whole. */
  #rest: Buffer | undefined
  #onOpen: ((error?: Error) => void) | undefined
  #isClosed = false
  readonly #accept: string

  private constructor(
    index: number,
    { host, port, localAddress }: SocketAddress,
    events: SocketEvents,
    memory: ReadMemory,
    onOpen: (error?: Error) => void,
  ) {
    this.index = index
    this.#events = events
    this.#memory = memory
    this.#onOpen = onOpen
    const key = randomBytes(16).toString('base64')
    this.#accept = createHash('sha1').update(`${key}${GUID}`).digest('base64')
    const callback = (length: number, bytes: Uint8Array): boolean => {
      this.#read(bytes as Buffer, length)
      return true
    }
    this.#socket = connect({
      host,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      noDelay: true,
      onread: { buffer: memory.chunk, callback },
    })
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#fail('no answer to the upgrade in time'))
    this.#socket.on('connect', () => this.#socket.write(handshake(host, port, key)))
    this.#socket.on('error', error => this.#fail(error.message))
    this.#socket.on('close', () => this.#fail('the peer closed the connection'))
  }

  /** Connects and upgrades. Rejects when the peer does not accept within 20 s. */
  static open(index: number, address: SocketAddress, events: SocketEvents, memory: ReadMemory): Promise<LeanSocket> {
    return new Promise((resolve, reject) => {
      const socket: LeanSocket = new LeanSocket(index, address, events, memory, error => {
        if (error === undefined) resolve(socket)
        else reject(error)
      })
    })
  }

  /** Bytes that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  /** Writes what `FrameBatch.take` gave. */
  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes)
  }

  /** Sends one message. */
  send(payload: Uint8Array): void {
    const batch = new FrameBatch(payload.length + 16)
    const at = batch.reserve(payload.length)
    batch.bytes.set(payload, at)
    this.write(batch.take())
  }

  /** Cuts the connection. Nothing is called afterwards. */
  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #fail(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.destroy()
    const onOpen = this.#onOpen
    this.#onOpen = undefined
    if (onOpen === undefined) this.#events.lost(this, reason)
    else onOpen(new Error(reason))
  }

  #read(chunk: Buffer, length: number): void {
    let bytes = chunk
    let end = length
    if (this.#rest !== undefined) {
      end = this.#rest.length + length
      if (end > this.#memory.joined.length) this.#memory.joined = Buffer.allocUnsafeSlow(end * 2)
      bytes = this.#memory.joined
      bytes.set(this.#rest, 0)
      chunk.copy(bytes, this.#rest.length, 0, length)
      this.#rest = undefined
    }
    let at = 0
    if (this.#onOpen !== undefined) {
      at = this.#readHandshake(bytes, end)
      if (at < 0) return
    }
    at = this.#readFrames(bytes, at, end)
    if (this.#isClosed) return
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end))
    this.#events.readEnd(this)
  }

  /** The position after the answer to the upgrade, or -1. */
  #readHandshake(bytes: Buffer, end: number): number {
    const headEnd = bytes.subarray(0, end).indexOf('\r\n\r\n')
    if (headEnd < 0) {
      this.#rest = Buffer.from(bytes.subarray(0, end))
      return -1
    }
    const head = bytes.toString('latin1', 0, headEnd)
    if (!head.startsWith('HTTP/1.1 101') || !head.includes(this.#accept)) {
      this.#fail(`the upgrade was refused: ${head.split('\r\n', 1)[0]}`)
      return -1
    }
    this.#socket.setTimeout(0)
    const onOpen = this.#onOpen
    this.#onOpen = undefined
    onOpen?.()
    return headEnd + 4
  }

  /** Hands over every whole frame and returns the position of the first incomplete one. */
  #readFrames(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (!this.#isClosed && end - at >= 2) {
      const first = bytes[at]!
      let length = bytes[at + 1]!
      let payload = at + 2
      if (length === 126) {
        if (end - at < 4) break
        length = (bytes[at + 2]! << 8) | bytes[at + 3]!
        payload = at + 4
      } else if (length > 126) {
        this.#fail('a frame of 64 KiB or more, or a masked one, was received')
        break
      }
      const next = payload + length
      if (next > end) break
      if (first === 0x82) this.#events.message(this, bytes, payload, next)
      else this.#control(first, bytes, payload, next)
      at = next
    }
    return at
  }

  #control(first: number, bytes: Buffer, start: number, end: number): void {
    if (first === 0x89) this.#pong(bytes.subarray(start, end))
    else if (first === 0x88) {
      const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005
      this.#fail(`the server closed the socket: ${code} ${bytes.toString('utf8', Math.min(start + 2, end), end)}`)
    } else if (first !== 0x8a) this.#fail(`a frame that starts with 0x${first.toString(16)} was received`)
  }

  #pong(payload: Uint8Array): void {
    const frame = Buffer.alloc(2 + MASK_BYTES + payload.length)
    frame[0] = 0x8a
    frame[1] = 0x80 | payload.length
    frame.set(payload, 2 + MASK_BYTES)
    this.write(frame)
  }
}

/** Frames for one socket that leave in one write. */
export class FrameBatch {
  bytes: Buffer
  #end = 0

  constructor(sizeBytes = BATCH_BYTES) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes)
  }

  get isEmpty(): boolean {
    return this.#end === 0
  }

  /** Writes the WebSocket header of a binary message and returns where its payload of `length` bytes (under 64 KiB) goes. */
  reserve(length: number): number {
    const { bytes } = this
    let at = this.#end
    bytes[at++] = 0x82
    if (length < 126) bytes[at++] = 0x80 | length
    else {
      bytes[at++] = 0x80 | 126
      bytes[at++] = length >>> 8
      bytes[at++] = length & 0xff
    }
    bytes[at] = bytes[at + 1] = bytes[at + 2] = bytes[at + 3] = 0
    at += MASK_BYTES
    this.#end = at + length
    return at
  }

  /** Whether one more message of this length has room. */
  hasRoom(length: number): boolean {
    return this.#end + length + 8 <= this.bytes.length
  }

  /** What was written. It may be overwritten by the next `reserve`. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.#end)
    this.#end = 0
    return taken
  }

  /** Writes everything to a socket in one system call; memory that the kernel did not take at once is left to the socket. */
  flush(socket: LeanSocket): void {
    if (this.#end === 0) return
    socket.write(this.take())
    if (socket.bufferedBytes > 0) this.bytes = Buffer.allocUnsafeSlow(this.bytes.length)
  }
}

/** The kind code in a frame's header. */
export function frameKind(bytes: Uint8Array, start: number): number {
  return bytes[start + 2]!
}

/** The correlation in a frame's header. */
export function frameCorrelation(bytes: Uint8Array, start: number): number {
  return ((bytes[start + 4]! << 24) | (bytes[start + 5]! << 16) | (bytes[start + 6]! << 8) | bytes[start + 7]!) >>> 0
}

/** Where a frame's body starts. */
export function frameBody(start: number): number {
  return start + FRAME_HEADER_BYTES
}

function handshake(host: string, port: number, key: string): string {
  return [
    `GET ${SOCKET_PATH} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${SUBPROTOCOLS.binary}`,
    '\r\n',
  ].join('\r\n')
}
