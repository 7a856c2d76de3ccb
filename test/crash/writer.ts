import WebSocket from 'ws'
import { decodeFrame, encodeFrame } from '../../src/codec/frame.js'
import {
  type AckBody,
  type DeliverBody,
  type ErrorBody,
  type PageBody,
  SUBPROTOCOLS,
  type WelcomeBody,
  WIRE_LIMITS,
  type WireEntry,
} from '../../src/codec/wire.js'

/** What a writer saw that must not be. */
export type Violation = { readonly writer: number; readonly what: string }

type Message = { readonly id: string; n: number | undefined }

/**
 * One visitor who writes as fast as the window allows and keeps a history of it: what was submitted, in which order, and what was acknowledged as
 * which number. It speaks the protocol by itself, so that the client library is not judged by itself.
 */
export class CrashWriter {
  readonly index: number
  readonly violations: Violation[] = []
  /** In the order of submission. */
  readonly submitted: Message[] = []
  acknowledged = 0
  #token: string | undefined
  #socket: WebSocket | undefined
  #isReady = false
  #end: number | undefined
  #isWriting = true
  /** Records known without a hole from 1. */
  #contiguous = 0
  readonly #known = new Map<number, string | undefined>()
  /** First message without an acknowledgement, as an index. */
  #oldest = 0
  readonly #byId = new Map<string, Message>()

  constructor(index: number) {
    this.index = index
  }

  get unacknowledged(): number {
    return this.submitted.length - this.acknowledged
  }

  connect(url: string): void {
    const socket = new WebSocket(url, SUBPROTOCOLS.binary, { perMessageDeflate: false })
    this.#socket = socket
    this.#isReady = false
    this.#end = undefined
    socket.binaryType = 'nodebuffer'
    socket.on('open', () => {
      const resume = { n: this.#contiguous }
      socket.send(
        encodeFrame(0, 'hello', 1, this.#token === undefined ? { channel: 'site' } : { token: this.#token, resume }),
      )
    })
    socket.on('message', (data: Buffer) => {
      if (socket === this.#socket) this.#receive(data)
    })
    // A killed server resets the connection; the harness connects again.
    socket.on('error', () => {})
    socket.on('close', () => {
      if (socket === this.#socket) this.#isReady = false
    })
  }

  /** No new messages from now on; unacknowledged ones are still sent again. */
  finish(): void {
    this.#isWriting = false
  }

  disconnect(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.terminate()
  }

  /** Forgets what was read, so that the next connection reads everything from the first record. */
  rewind(): void {
    this.#contiguous = 0
    this.#known.clear()
  }

  get contiguous(): number {
    return this.#contiguous
  }

  /** The last `n` of the conversation, as the daemon said when it greeted the present connection; undefined until then. */
  get end(): number | undefined {
    return this.#end
  }

  /** Compares the whole conversation as read back with the history. */
  verify(): void {
    const places = new Map<string, number>()
    let lastOrder = -1
    const order = new Map(this.submitted.map((message, index) => [message.id, index]))
    for (let n = 1; n <= this.#contiguous; n++) {
      const id = this.#known.get(n)
      if (id === undefined) continue
      const index = order.get(id)
      if (index === undefined) this.#violated(`phantom ${id} as n ${n}`)
      else if (places.has(id)) this.#violated(`${id} twice: n ${places.get(id)} and ${n}`)
      else if (index < lastOrder) this.#violated(`${id} out of order at n ${n}`)
      else lastOrder = index
      places.set(id, n)
    }
    for (const { id, n } of this.submitted) {
      if (n !== undefined && places.get(id) !== n)
        this.#violated(`lost: ${id} was acknowledged as n ${n}, found ${places.get(id) ?? 'nowhere'}`)
    }
  }

  #receive(data: Uint8Array): void {
    const frame = decodeFrame(data)
    switch (frame.kind) {
      case 'welcome':
        this.#welcomed(frame.body as unknown as WelcomeBody)
        break
      case 'ack':
        this.#acked(frame.body as unknown as AckBody)
        break
      case 'page':
        for (const entry of (frame.body as unknown as PageBody).records) this.#read(entry)
        break
      case 'deliver':
        this.#read(frame.body as unknown as DeliverBody)
        break
      case 'error':
        this.#failed(frame.body as unknown as ErrorBody)
        break
      default:
    }
  }

  #welcomed({ token, n }: WelcomeBody): void {
    if (token !== undefined) this.#token = token
    if (n !== undefined && n < this.#contiguous)
      this.#violated(`the conversation went back from n ${this.#contiguous} to ${n}`)
    this.#isReady = true
    this.#end = n ?? 0
    for (let i = this.#oldest; i < this.submitted.length; i++) {
      if (this.submitted[i]!.n === undefined) this.#send(this.submitted[i]!.id)
    }
    this.#fill()
  }

  #fill(): void {
    while (this.#isWriting && this.#isReady && this.unacknowledged < WIRE_LIMITS.unacknowledged) {
      const message: Message = { id: `${this.index}-${this.submitted.length}`, n: undefined }
      this.submitted.push(message)
      this.#byId.set(message.id, message)
      this.#send(message.id)
    }
  }

  #send(id: string): void {
    this.#socket?.send(encodeFrame(1, 'message', 2, { id, parts: [{ type: 'text', text: `第 ${id} 条 message` }] }))
  }

  #acked({ id, n }: AckBody): void {
    const message = this.#byId.get(id)
    if (message === undefined) {
      this.#violated(`acknowledged what was never sent: ${id}`)
      return
    }
    if (message.n === undefined) this.acknowledged++
    else if (message.n !== n) this.#violated(`${id} acknowledged as n ${message.n}, then as ${n}`)
    message.n = n
    while (this.submitted[this.#oldest]?.n !== undefined) this.#oldest++
    this.#note(n, id)
    this.#fill()
  }

  #read({ n, record }: WireEntry): void {
    this.#note(n, record.type === 'message' && record.by?.role === 'contact' ? record.id : undefined)
  }

  #note(n: number, id: string | undefined): void {
    if (this.#known.has(n)) {
      const before = this.#known.get(n)
      if (before !== id) this.#violated(`n ${n} was ${before}, then ${id}`)
    }
    this.#known.set(n, id)
    while (this.#known.has(this.#contiguous + 1)) this.#contiguous++
  }

  #failed({ code, message, retryable }: ErrorBody): void {
    if (!retryable) this.#violated(`error ${code}: ${message}`)
  }

  #violated(what: string): void {
    if (this.violations.length < 20) this.violations.push({ writer: this.index, what })
  }
}
