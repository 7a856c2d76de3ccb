import { setTimeout as sleep } from 'node:timers/promises'
import { decodeFrame, encodeFrame } from '../../src/codec/frame.js'
import { FRAME_KINDS, WIRE_LIMITS } from '../../src/codec/wire.js'
import { type Crowd, connectCrowd, type OpenedConversation, openConversations } from './crowd.js'
import { createMessageFrames, type MessageFrames, numberOfId, visitorOfId } from './frames.js'
import { createLatencies, type LatencySummary, round } from './latency.js'
import { Ledger } from './ledger.js'
import { findField, readNumber } from './scan.js'
import { FrameBatch, frameBody, frameCorrelation, frameKind, type LeanSocket, type SocketEvents } from './socket.js'

/** What to send. */
export type LoadOptions = {
  readonly visitors: number
  /** Closed loop: messages that each visitor keeps unacknowledged. Open: the most it may have. */
  readonly inFlight: number
  /** Messages a second of all visitors, at instants fixed beforehand; 0 for a closed loop. */
  readonly rate: number
  readonly textBytes: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** A server to send it to. */
export type LoadTarget = {
  readonly host: string
  readonly port: number
  readonly channel: string
  readonly agentTokens: readonly string[]
}

/** What was measured. Latencies in milliseconds from the instant a message was due. */
export type LoadResult = {
  readonly seconds: number
  readonly acknowledged: number
  readonly acknowledgedPerSecond: number
  readonly delivered: number
  readonly deliveredPerSecond: number
  readonly acknowledge: LatencySummary
  readonly deliver: LatencySummary
  /** Open loop: how late messages left the generator; part of both latencies. */
  readonly lateness: LatencySummary
  /** CPU seconds of the generator a second. */
  readonly generatorCpu: number
  /** Of all messages, warm-up included: each exactly once and in order, or a fault. */
  readonly verified: { readonly messages: number; readonly faultCount: number; readonly faults: readonly string[] }
}

const HEARTBEAT_MS = WIRE_LIMITS.heartbeatMs
const RECEIPT_MS = 1_000
const SETTLE_MS = 15_000

/** Runs one load from connecting to the last delivery. `around` is called when measuring begins and ends. */
export async function runLoad(
  target: LoadTarget,
  options: LoadOptions,
  around: (phase: 'begin' | 'end') => void,
): Promise<LoadResult> {
  const crowd = await connectCrowd({ ...target, visitors: options.visitors })
  try {
    const generator = new Generator(crowd, await openConversations(crowd), options)
    return await generator.run(around)
  } finally {
    crowd.close()
  }
}

/**
 * Sends and accounts.
 * 1. `run` starts the loop; messages count into the latencies when they were due between the end of the warm-up and the end of the measurement.
 * 2. Afterwards nothing more is scheduled, and everything must arrive within 15 s.
 */
class Generator implements SocketEvents {
  readonly #crowd: Crowd
  readonly #opened: readonly OpenedConversation[]
  readonly #options: LoadOptions
  readonly #ledger: Ledger
  readonly #frames: MessageFrames
  readonly #batch = new FrameBatch()
  readonly #acknowledge = createLatencies()
  readonly #deliver = createLatencies()
  readonly #lateness = createLatencies()
  /** Instant of the read being handled; 0 between reads. */
  #now = 0
  #isSending = true
  #measureFrom = Number.POSITIVE_INFINITY
  #measureTo = Number.POSITIVE_INFINITY
  #failure: string | undefined

  constructor(crowd: Crowd, opened: readonly OpenedConversation[], options: LoadOptions) {
    this.#crowd = crowd
    this.#opened = opened
    this.#options = options
    this.#ledger = new Ledger(options.visitors)
    this.#frames = createMessageFrames(crowd.channel, options.textBytes)
    for (const [visitor, { n }] of opened.entries()) this.#ledger.begin(visitor, n)
  }

  async run(around: (phase: 'begin' | 'end') => void): Promise<LoadResult> {
    const { warmUpSeconds, seconds, rate } = this.#options
    this.#crowd.handle(this)
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    const receipts = setInterval(() => this.#receipts(), RECEIPT_MS)
    try {
      if (rate > 0) this.#startOpen(rate)
      else this.#startClosed()
      await this.#wait(warmUpSeconds * 1000)
      around('begin')
      const cpu = process.cpuUsage()
      const begin = performance.now()
      const { totalAcknowledged, totalDelivered } = this.#ledger
      this.#measureFrom = begin
      await this.#wait(seconds * 1000)
      const end = performance.now()
      this.#measureTo = end
      this.#isSending = false
      const used = process.cpuUsage(cpu)
      const acknowledged = this.#ledger.totalAcknowledged - totalAcknowledged
      const delivered = this.#ledger.totalDelivered - totalDelivered
      around('end')
      await this.#settle()
      const elapsed = (end - begin) / 1000
      return {
        seconds: round(elapsed, 3),
        acknowledged,
        acknowledgedPerSecond: Math.round(acknowledged / elapsed),
        delivered,
        deliveredPerSecond: Math.round(delivered / elapsed),
        acknowledge: this.#acknowledge.summary(),
        deliver: this.#deliver.summary(),
        lateness: this.#lateness.summary(),
        generatorCpu: round((used.user + used.system) / 1e6 / elapsed),
        verified: {
          messages: this.#ledger.totalDelivered,
          faultCount: this.#ledger.faults.count,
          faults: this.#ledger.faults.first,
        },
      }
    } finally {
      this.#isSending = false
      clearInterval(heartbeat)
      clearInterval(receipts)
    }
  }

  message(socket: LeanSocket, bytes: Buffer, start: number, end: number): void {
    if (this.#now === 0) this.#now = performance.now()
    const kind = frameKind(bytes, start)
    try {
      if (kind === FRAME_KINDS.deliver) this.#delivered(socket.index, bytes, start)
      else if (kind === FRAME_KINDS.ack) this.#acknowledged(socket.index, bytes, start)
      else if (kind === FRAME_KINDS.error) this.#failure ??= `error frame: ${describe(bytes, start, end)}`
    } catch (error) {
      this.#failure ??= `${error instanceof Error ? error.message : error}: ${describe(bytes, start, end)}`
    }
  }

  readEnd(socket: LeanSocket): void {
    this.#now = 0
    if (socket.index < this.#options.visitors) this.#sendDue(socket.index)
  }

  lost(socket: LeanSocket, reason: string): void {
    this.#failure ??= `client ${socket.index} was lost: ${reason}`
  }

  #acknowledged(visitor: number, bytes: Buffer, start: number): void {
    const number = frameCorrelation(bytes, start) - 1
    const n = readNumber(bytes, findField(bytes, frameBody(start), 'n'))
    const at = this.#ledger.acknowledge(visitor, number, n)
    if (at >= this.#measureFrom && at < this.#measureTo) this.#acknowledge.record(this.#now - at)
    if (this.#options.rate === 0 && this.#isSending && this.#ledger.hasRoom(visitor))
      this.#ledger.schedule(visitor, this.#now)
  }

  #delivered(client: number, bytes: Buffer, start: number): void {
    const body = frameBody(start)
    const n = readNumber(bytes, findField(bytes, body, 'n'))
    if (client < this.#options.visitors) {
      // A visitor hears of its assignment, and must not hear its own messages.
      if (n > this.#opened[client]!.n) this.#ledger.fault(`visitor ${client} was delivered its own message as n ${n}`)
      return
    }
    const idAt = findField(bytes, findField(bytes, body, 'record'), 'id')
    const at = this.#ledger.deliver(visitorOfId(bytes, idAt), numberOfId(bytes, idAt), n)
    if (at >= this.#measureFrom && at < this.#measureTo) this.#deliver.record(this.#now - at)
  }

  #startClosed(): void {
    const now = performance.now()
    for (let visitor = 0; visitor < this.#options.visitors; visitor++) {
      for (let i = 0; i < this.#options.inFlight; i++) this.#ledger.schedule(visitor, now)
      this.#sendDue(visitor)
    }
  }

  /** Message k is due at start + k/rate, whatever the server does; visitors take turns. */
  #startOpen(rate: number): void {
    const { visitors } = this.#options
    const start = performance.now()
    const intervalMs = 1000 / rate
    let next = 0
    const tick = (): void => {
      if (!this.#isSending) return
      const now = performance.now()
      const first = next
      for (; start + next * intervalMs <= now; next++) {
        const visitor = next % visitors
        if (!this.#ledger.hasRoom(visitor)) {
          this.#failure ??= 'the server fell too far behind the schedule'
          return
        }
        const at = start + next * intervalMs
        this.#ledger.schedule(visitor, at)
        if (at >= this.#measureFrom) this.#lateness.record(now - at)
      }
      const touched = Math.min(next - first, visitors)
      for (let i = 0; i < touched; i++) this.#sendDue((first + i) % visitors)
      setTimeout(tick, 1)
    }
    tick()
  }

  #sendDue(visitor: number): void {
    const count = this.#ledger.sendable(visitor, this.#options.inFlight)
    if (count <= 0) return
    const socket = this.#crowd.visitors[visitor]!
    for (let i = 0; i < count; i++) {
      if (!this.#batch.hasRoom(this.#frames.frameLimitBytes)) this.#batch.flush(socket)
      this.#frames.write(this.#batch, visitor, this.#ledger.send(visitor))
    }
    this.#batch.flush(socket)
  }

  #beat(): void {
    for (const agent of this.#crowd.agents) agent.send(encodeFrame(0, 'presence', 0, { state: 'online' }))
  }

  /** What clients send, too: how far each agent has got, at most once a second per conversation. */
  #receipts(): void {
    for (const [visitor, { conversation, agent }] of this.#opened.entries()) {
      const frame = encodeFrame(this.#crowd.channel, 'ack', 0, { conversation, n: this.#ledger.deliveredN(visitor) })
      this.#crowd.agents[agent]?.send(frame)
    }
  }

  async #wait(ms: number): Promise<void> {
    const end = performance.now() + ms
    while (performance.now() < end) {
      await sleep(Math.min(100, Math.max(1, end - performance.now())))
      if (this.#failure !== undefined) throw new Error(this.#failure)
    }
  }

  async #settle(): Promise<void> {
    const end = performance.now() + SETTLE_MS
    while (!this.#ledger.isSettled && performance.now() < end) await sleep(10)
    const { totalScheduled, totalAcknowledged, totalDelivered } = this.#ledger
    if (!this.#ledger.isSettled)
      this.#ledger.fault(`of ${totalScheduled} messages ${totalAcknowledged} acknowledged, ${totalDelivered} delivered`)
    // A duplicate would come after what was expected.
    await sleep(100)
    if (this.#failure !== undefined) throw new Error(this.#failure)
  }
}

function describe(bytes: Buffer, start: number, end: number): string {
  return JSON.stringify(decodeFrame(Buffer.from(bytes.subarray(start, end))))
}
