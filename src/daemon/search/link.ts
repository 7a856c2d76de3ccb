import { type ErrorCode, KefuError } from '../../errors.js'
import type { Clock } from '../core/ports.js'
import { transferOf } from './batch.js'
import {
  type Answers,
  type Ask,
  errorOf,
  type FromThread,
  type IndexState,
  type ThreadData,
  type ToThread,
} from './protocol.js'
import type { SearchThread, StartThread } from './worker.js'

/** What a link stands on. */
export type LinkPorts = {
  readonly clock: Clock
  readonly start: StartThread
  /** What the thread begins with; asked again each time. */
  data(): Promise<ThreadData>
}

/** What a link tells. */
export type LinkListener = {
  /** A thread is there, with what the index has. `discarded`: why it begins with an empty one. */
  opened(state: IndexState, discarded: string | undefined): void
  fed(bytes: number): void
  /** The thread is gone; another one is started. What was fed and not told of as `fed` may be lost. */
  down(reason: string): void
  /** The index cannot be read any more. */
  damaged(error: KefuError): void
}

type Waiting = {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: KefuError) => void
  readonly cancel: () => void
}

/** A question that takes longer has met a thread that hangs: the thread is ended. */
const HANGS_MS = { usual: 15_000, writing: 600_000 } as const
const RESTART_MS = { first: 100, longest: 30_000 } as const
/** A thread that has lived for so long was not what was wrong with it. */
const STEADY_MS = 60_000

/** The thread that searches, whichever it is at the moment: one that ends is replaced, after pauses that grow. */
export class Link {
  readonly #ports: LinkPorts
  readonly #listener: LinkListener
  readonly #waiting = new Map<number, Waiting>()
  #thread: SearchThread | undefined
  #state: IndexState | undefined
  #isClosed = false
  #cancelRestart: (() => void) | undefined
  #failures = 0
  #startedMs = 0
  #restarts = 0
  #lastId = 0
  #lastReason = 'it is starting'

  constructor(ports: LinkPorts, listener: LinkListener) {
    this.#ports = ports
    this.#listener = listener
  }

  /** How the index stands; undefined while there is no thread that has opened it. */
  get state(): IndexState | undefined {
    return this.#state
  }

  /** How often a thread has been replaced. */
  get restarts(): number {
    return this.#restarts
  }

  /** How many threads ended shortly after their start, the last ones in a row, and why. */
  get failures(): { readonly count: number; readonly reason: string } {
    return { count: this.#failures, reason: this.#lastReason }
  }

  /** Starts a thread; `opened` follows. */
  async start(): Promise<void> {
    try {
      const data = await this.#ports.data()
      if (this.#isClosed) return
      this.#startedMs = this.#ports.clock.monotonicMs()
      const thread: SearchThread = this.#ports.start(data, {
        message: message => this.#hear(message),
        gone: reason => {
          if (this.#thread === thread) this.#down(reason)
        },
      })
      this.#thread = thread
    } catch (error) {
      this.#down(error instanceof Error ? error.message : String(error))
    }
  }

  /** Hands records over. Only while the index is open. */
  feed(message: Extract<ToThread, { type: 'feed' }>): void {
    this.#thread?.post(message, transferOf(message.batch))
  }

  /** The answer to a question. Throws what the thread throws, and `KEFU_SEARCH_UNAVAILABLE` when it is not there, or ends before it has answered. */
  ask<A extends Ask>(ask: A): Promise<Answers[A['type']]> {
    const thread = this.#thread
    if (thread === undefined || this.#state === undefined) return Promise.reject(this.#unavailable())
    const id = ++this.#lastId
    const isWriting = ask.type === 'remove' || ask.type === 'reset' || ask.type === 'close'
    return new Promise<unknown>((resolve, reject) => {
      const cancel = this.#ports.clock.after(HANGS_MS[isWriting ? 'writing' : 'usual'], () => {
        void thread.terminate()
        if (this.#thread === thread) this.#down('it did not answer')
      })
      this.#waiting.set(id, { resolve, reject, cancel })
      thread.post({ type: 'ask', id, ask }, 'batch' in ask ? transferOf(ask.batch) : [])
    }) as Promise<Answers[A['type']]>
  }

  /** Ends the thread, after it has written what it has. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelRestart?.()
    const thread = this.#thread
    try {
      if (this.#state !== undefined) await this.ask({ type: 'close' })
    } catch (error) {
      // What it could not write is read from the log at the next start.
      if (!(error instanceof KefuError)) throw error
    } finally {
      this.#thread = undefined
      this.#forget('KEFU_ABORTED')
      await thread?.terminate()
    }
  }

  #hear(message: FromThread): void {
    switch (message.type) {
      case 'open':
        this.#state = message.state
        this.#listener.opened(message.state, message.discarded)
        break
      case 'fed':
        this.#state = message.state
        this.#listener.fed(message.bytes)
        break
      case 'maintained':
        this.#state = message.state
        break
      case 'answer':
        this.#take(message.id)?.resolve(message.value)
        break
      case 'failed':
        this.#take(message.id)?.reject(errorOf(message.failure))
        break
      case 'damaged':
        this.#listener.damaged(errorOf(message.failure))
        break
      default:
        message satisfies never
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.cancel()
    return waiting
  }

  #down(reason: string): void {
    const { clock } = this.#ports
    this.#thread = undefined
    this.#state = undefined
    this.#lastReason = reason
    this.#forget('KEFU_SEARCH_UNAVAILABLE')
    if (this.#isClosed) return
    this.#failures = clock.monotonicMs() - this.#startedMs >= STEADY_MS ? 1 : this.#failures + 1
    this.#restarts++
    this.#listener.down(reason)
    const delayMs = Math.min(RESTART_MS.longest, RESTART_MS.first * 2 ** (this.#failures - 1))
    this.#cancelRestart = clock.after(delayMs, () => void this.start())
  }

  #forget(code: ErrorCode): void {
    for (const id of [...this.#waiting.keys()])
      this.#take(id)?.reject(code === 'KEFU_ABORTED' ? new KefuError(code) : this.#unavailable())
  }

  #unavailable(): KefuError {
    return new KefuError('KEFU_SEARCH_UNAVAILABLE', { reason: this.#lastReason })
  }
}
