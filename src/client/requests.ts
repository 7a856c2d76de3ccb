import type { ServerFrame } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { fromErrorBody } from './failure.js'
import type { Answer } from './session-role.js'

type Pending = { readonly answer: Answer; readonly dueAt: number }

/** Requests of one connection that wait for their answers. */
export class Requests {
  readonly #pending = new Map<number, Pending>()

  get size(): number {
    return this.#pending.size
  }

  /** Deadlines must not go back from one request to the next. */
  add(correlation: number, answer: Answer, dueAt: number): void {
    this.#pending.set(correlation, { answer, dueAt })
  }

  /** Gives a frame to the request that it answers; `false` when there is none. */
  settle(frame: ServerFrame): boolean {
    const pending = this.#pending.get(frame.correlation)
    if (pending === undefined) return false
    this.#pending.delete(frame.correlation)
    if (frame.kind === 'error') pending.answer(undefined, fromErrorBody(frame.body))
    else pending.answer(frame, undefined)
    return true
  }

  /** Fails the first request whose time is over with `KEFU_TIMEOUT`, and returns that error. */
  expire(now: number, timeoutMs: number): KefuError | undefined {
    for (const [correlation, { answer, dueAt }] of this.#pending) {
      if (dueAt > now) return undefined
      const error = new KefuError('KEFU_TIMEOUT', { what: 'the answer', timeoutMs })
      this.#pending.delete(correlation)
      answer(undefined, error)
      return error
    }
    return undefined
  }

  /** Fails everything: the connection is gone. */
  fail(error: KefuError): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { answer } of pending) answer(undefined, error)
  }
}
