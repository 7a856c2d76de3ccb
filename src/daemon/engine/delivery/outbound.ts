import { CLOSE } from '../../../codec/close-codes.js'
import { encodeFrame } from '../../../codec/frame.js'
import type { ServerBodies, ServerKind } from '../../../codec/wire.js'
import { type ErrorCode, KefuError, toKefuError } from '../../../errors.js'
import type { GatewayPort } from '../../core/ports.js'
import type { Session } from '../session/session.js'
import type { Meters } from './meters.js'
import type { SlowConsumers } from './slow-consumers.js'

/** What frames leave through. */
export type OutboundPorts = {
  readonly gateway: GatewayPort
  readonly meters: Meters
  readonly slow: SlowConsumers
  /** An error that its operator has to hear of, too. */
  report(error: unknown): void
}

/** Errors whose details are for the operator: they may name files of this machine, or what happened inside. */
const PRIVATE: ReadonlySet<ErrorCode> = new Set([
  'KEFU_INTERNAL',
  'KEFU_STORE_CORRUPT',
  'KEFU_STORE_UNAVAILABLE',
  'KEFU_STORE_UNREADABLE',
  'KEFU_MEDIA_UNAVAILABLE',
  'KEFU_SEARCH_DAMAGED',
  'KEFU_SEARCH_UNAVAILABLE',
])
/** Of those, the ones that nobody else reports. */
const REPORTED: ReadonlySet<ErrorCode> = new Set(['KEFU_INTERNAL', 'KEFU_STORE_CORRUPT'])
const SEE_LOG = 'see the log of the server'

/** Frames of a turn are handed over early at this size, so that a slow peer is noticed before all of a commit's records have been queued for it. */
const HAND_OVER_BYTES = 32 * 1024

/** Frames on their way out: collected per session and handed over once per turn, so that a commit's acks and deliveries leave in one write. */
export class Outbound {
  readonly #ports: OutboundPorts
  #dirty: Session[] = []
  #flushing = false

  constructor(ports: OutboundPorts) {
    this.#ports = ports
  }

  /** Queues a frame. Order per session is kept. */
  push(session: Session, frame: Uint8Array): void {
    if (session.isClosed) return
    session.outgoingBytes += frame.length
    if (session.outgoing !== undefined) {
      session.outgoing.push(frame)
      if (session.outgoingBytes >= HAND_OVER_BYTES) this.#handOver(session)
      return
    }
    session.outgoing = [frame]
    this.#dirty.push(session)
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => this.#flush())
  }

  /** Encodes and queues. */
  send<K extends ServerKind>(
    session: Session,
    channel: number,
    kind: K,
    correlation: number,
    body: ServerBodies[K],
  ): void {
    this.push(session, encodeFrame(channel, kind, correlation, body))
  }

  /** Queues an `error` frame. Defects and damage are reported, too. */
  fail(
    session: Session,
    correlation: number,
    error: unknown,
    extra?: { readonly id?: string; readonly retryAfterMs?: number },
  ): void {
    const failure = toKefuError(error)
    if (failure.code === 'KEFU_RATE_LIMITED') this.#ports.meters.refused++
    else this.#ports.meters.errors++
    if (REPORTED.has(failure.code)) this.#ports.report(error)
    const told = PRIVATE.has(failure.code) ? new KefuError(failure.code, { reason: SEE_LOG, where: SEE_LOG }) : failure
    this.send(session, 0, 'error', correlation, { ...told.peerReport(), ...extra })
  }

  /** Hands over what waits for the session now; `false` when it reads too slowly. */
  flush(session: Session): boolean {
    this.#handOver(session)
    return !session.isLagging
  }

  /** Sends what waits for the session, then closes it. Nothing is sent to it afterwards. */
  close(session: Session, code: number, reason: string): void {
    if (session.isClosed) return
    this.#handOver(session)
    session.isClosed = true
    this.#endLag(session)
    this.#ports.gateway.close(session.id, code, reason)
  }

  /** Fails and closes. A session that is being closed already is left alone. */
  reject(session: Session, correlation: number, error: unknown, code: number): void {
    if (session.isClosed) return
    const failure = toKefuError(error)
    this.fail(session, correlation, error)
    this.close(session, code, failure.code)
  }

  /** The peer has read what was buffered. Whether the session had been lagging. */
  caughtUp(session: Session): boolean {
    if (!session.isLagging) return false
    session.isLagging = false
    this.#endLag(session)
    return true
  }

  /** The session is gone. */
  forget(session: Session): void {
    session.outgoing = undefined
    this.#endLag(session)
  }

  /** Closes the sessions that have been lagging since before an instant (monotonic): what waits for them takes memory. */
  closeLagging(before: number): void {
    for (const session of this.#ports.slow.sinceBefore(before))
      this.reject(session, 0, new KefuError('KEFU_SLOW_CONSUMER'), CLOSE.slowConsumer)
  }

  #endLag(session: Session): void {
    if (session.role !== 'new') this.#ports.slow.remove(session)
  }

  #flush(): void {
    this.#flushing = false
    const dirty = this.#dirty
    this.#dirty = []
    for (const session of dirty) this.#handOver(session)
  }

  #handOver(session: Session): void {
    const frames = session.outgoing
    if (frames === undefined) return
    session.outgoing = undefined
    session.outgoingBytes = 0
    if (session.isClosed || this.#sendAll(session, frames) || session.isLagging) return
    session.isLagging = true
    // Who has not said hello has a deadline of its own.
    if (session.role !== 'new') this.#ports.slow.add(session)
  }

  /** A gateway that cannot send ends this session, which would have a hole, and no other. */
  #sendAll(session: Session, frames: readonly Uint8Array[]): boolean {
    try {
      return this.#ports.gateway.send(session.id, frames)
    } catch (error) {
      this.#ports.report(error)
      this.close(session, CLOSE.restarting, 'KEFU_INTERNAL')
      return true
    }
  }
}
