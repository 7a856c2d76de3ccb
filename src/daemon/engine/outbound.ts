import { encodeFrame } from '../../codec/frame.js'
import type { ServerBodies, ServerKind } from '../../codec/wire.js'
import { type KefuError, toKefuError } from '../../errors.js'
import type { GatewayPort } from '../core/ports.js'
import type { Session } from './session.js'

/** Frames on their way out: collected per session and handed over once per turn, so that a commit's acks and deliveries leave in one write. */
export class Outbound {
  readonly #gateway: GatewayPort
  #dirty: Session[] = []
  #flushing = false

  constructor(gateway: GatewayPort) {
    this.#gateway = gateway
  }

  /** Queues a frame. Order per session is kept. */
  push(session: Session, frame: Uint8Array): void {
    if (session.isClosed) return
    if (session.outgoing !== undefined) {
      session.outgoing.push(frame)
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

  /** Queues an `error` frame. */
  fail(
    session: Session,
    correlation: number,
    error: KefuError,
    extra?: { readonly id?: string; readonly retryAfterMs?: number },
  ): void {
    const { code, message, hint, retryable } = error.report()
    this.send(session, 0, 'error', correlation, { code, message, hint, retryable, ...extra })
  }

  /** Hands over what waits for the session now; `false` when it reads too slowly. */
  flush(session: Session): boolean {
    this.#handOver(session)
    return !session.isLagging
  }

  /** Sends what waits for the session, then closes it. */
  close(session: Session, code: number, reason: string): void {
    if (session.isClosed) return
    this.#handOver(session)
    this.#gateway.close(session.id, code, reason)
  }

  /** Fails and closes. */
  reject(session: Session, correlation: number, error: unknown, code: number): void {
    const failure = toKefuError(error)
    this.fail(session, correlation, failure)
    this.close(session, code, failure.code)
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
    if (!session.isClosed && !this.#gateway.send(session.id, frames)) session.isLagging = true
  }
}
