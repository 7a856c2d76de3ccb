import { decodeFrame, encodeFrame, type Frame } from '../../src/codec/frame.js'
import { FRAME_KINDS, type WelcomeBody } from '../../src/codec/wire.js'
import { createReadMemory, FrameBatch, frameKind, LeanSocket } from './socket.js'
import { createTexts } from './texts.js'

/** Where an app writes, and for whom. */
export type AppLoadOptions = {
  readonly host: string
  readonly port: number
  readonly token: string
  /** Contacts, each with a conversation. */
  readonly contacts: number
  readonly textBytes: number
}

/** An app server that writes for its contacts, over one socket. */
export type AppLoad = {
  /** Every contact writes a first message; resolves when all are acknowledged. */
  open(): Promise<void>
  /** From now on message k is due at now + k / rate, contacts in turn, whatever the server does. */
  start(rate: number): void
  /** Acknowledged so far, first messages included. */
  readonly acknowledged: number
  /** Throws what has gone wrong since the last call. */
  check(): void
  close(): void
}

/** First messages on their way at once: conversations that are not in memory are looked up one after the other. */
const OPENING = 256
/** Unacknowledged messages at which the server has fallen too far behind. */
const BEHIND = 50_000
const STEP_TIMEOUT_MS = 120_000
/** Without a common divisor with usual numbers of contacts: neighbours in time are not neighbours in line. */
const STRIDE = 7_919

/** Connects an app. */
export async function connectApp({ host, port, token, contacts, textBytes }: AppLoadOptions): Promise<AppLoad> {
  const texts = createTexts(textBytes)
  const batch = new FrameBatch()
  let sent = 0
  let acknowledged = 0
  let failure: string | undefined
  let isClosed = false
  let onFrame: ((frame: Frame) => void) | undefined
  let onAck = (): void => undefined
  const socket = await LeanSocket.open(
    0,
    { host, port },
    {
      message(_, bytes, from, to) {
        const kind = frameKind(bytes, from)
        if (kind === FRAME_KINDS.ack) acknowledged++
        else if (kind === FRAME_KINDS.error || onFrame !== undefined) {
          const frame = decodeFrame(Buffer.from(bytes.subarray(from, to)))
          if (kind === FRAME_KINDS.error) failure ??= `error frame: ${JSON.stringify(frame.body)}`
          onFrame?.(frame)
        }
      },
      readEnd: () => onAck(),
      lost: (_, reason) => {
        failure ??= `the app's socket was lost: ${reason}`
      },
    },
    createReadMemory(),
  )
  const check = (): void => {
    if (failure !== undefined) throw new Error(failure)
  }
  const until = async (isDone: () => boolean, what: string): Promise<void> => {
    const end = performance.now() + STEP_TIMEOUT_MS
    while (!isDone()) {
      check()
      if (performance.now() > end) throw new Error(`waited ${STEP_TIMEOUT_MS / 1000} s for ${what}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  let channel = 0
  onFrame = frame => {
    if (frame.kind === 'welcome') channel = (frame.body as WelcomeBody).channels[0]?.number ?? 0
  }
  socket.send(encodeFrame(0, 'hello', 1, { token, client: 'kefu-bench' }))
  await until(() => channel > 0, 'the welcome')
  onFrame = undefined

  const write = (contact: number): void => {
    const number = sent++
    const parts = [{ type: 'text', text: texts[number % texts.length]! }]
    const frame = encodeFrame(channel, 'message', number + 1, {
      id: `m${number}`,
      contact: `contact-${contact}`,
      parts,
    })
    if (!batch.hasRoom(frame.length)) batch.flush(socket)
    batch.bytes.set(frame, batch.reserve(frame.length))
  }

  return {
    get acknowledged() {
      return acknowledged
    },
    check,
    async open() {
      const writeSome = (): void => {
        while (sent < contacts && sent - acknowledged < OPENING) write(sent)
        batch.flush(socket)
      }
      onAck = writeSome
      writeSome()
      await until(() => acknowledged >= contacts, 'every conversation to be opened')
      onAck = () => undefined
    },
    start(rate) {
      const startedAt = performance.now()
      const before = sent
      const tick = (): void => {
        if (isClosed || failure !== undefined) return
        const due = before + Math.floor(((performance.now() - startedAt) * rate) / 1_000)
        while (sent < due) write((sent * STRIDE) % contacts)
        batch.flush(socket)
        if (sent - acknowledged > BEHIND) failure = 'the server fell too far behind the schedule'
        setTimeout(tick, 1)
      }
      tick()
    },
    close() {
      isClosed = true
      socket.close()
    },
  }
}
