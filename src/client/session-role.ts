import type { HelloBody, ServerFrame, WelcomeBody } from '../codec/wire.js'
import type { KefuError } from '../errors.js'

/** Where a client stands: before its first welcome, connected, between connections, or at its end. */
export type ClientState = 'connecting' | 'ready' | 'reconnecting' | 'closed'

/** A change of state. `error` is why a connection was lost, or why the client ended by itself; `retryInMs` when the next attempt is made. */
export type StateChange = {
  readonly state: ClientState
  readonly error?: KefuError
  readonly retryInMs?: number
}

/** Called once with the answer to a request, or with why there is none. */
export type Answer = (frame: ServerFrame | undefined, error: KefuError | undefined) => void

/** What a session does for the client that owns it. Calls come in the order of the frames. */
export type SessionRole = {
  /** The hello of the next connection. A rejection counts as a failed attempt. */
  hello(zstd: boolean): Promise<HelloBody>
  /** The connection is ready. */
  welcome(body: WelcomeBody): void
  /** A frame that answers no request. */
  frame(frame: ServerFrame): void
  /** A connection that was ready is gone. */
  lost(): void
  /** Makes a cheap request, so that a server that is there shows it. */
  probe(): void
  /** About once a second while anything is outstanding: whether nothing is any more, and when at the latest to come again (monotonic). */
  sweep(): { readonly isIdle: boolean; readonly wakesAt: number }
  /** Time for what was asked for with `flushWithin`. */
  flush(): void
  /** Time for what was asked for with `heartbeatIn`. */
  heartbeat(): void
  stateChanged(change: StateChange): void
}
