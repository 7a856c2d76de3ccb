import { setTimeout as pause } from 'node:timers/promises'
import type { ClientState, StateChange } from '../../../client/index.js'
import { KefuError } from '../../../errors.js'
import type { ChatClient } from './chat.js'

/** A message that reached a user of an emulated platform. */
export type EmulatedMessage = { readonly n: number; readonly at: number; readonly type: string; readonly text: string }

/** What a user can say or do, as the emulator takes it. */
export type EmulatedContent = Readonly<Record<string, unknown>> & { readonly type: string }

/** Where the emulator behind a channel is, and who writes there. */
export type EmulatedUserOptions = {
  readonly channel: string
  readonly kind: string
  readonly baseUrl: string
  readonly user: string
}

/** A user of an emulated platform: what a chat needs of a client. */
export type EmulatedUser = ChatClient & {
  /**
   * Says something, after everything that was said before. Resolves when the callback address has taken it. Throws `KEFU_EMULATOR_UNDELIVERED` when the platform has
   * given it up, or when the first attempt was refused in a way in which the next ones will be; and `KEFU_EMULATOR_UNREACHABLE`.
   */
  say(content: EmulatedContent): Promise<{ readonly n: number }>
}

/** What a user hears. */
export type EmulatedUserEvents = {
  message(message: EmulatedMessage): void
  typing(isTyping: boolean): void
  /** The first attempt to deliver what was said has failed; the platform tries again. */
  failedOnce(reason: string): void
}

type Delivery = {
  readonly n: number
  readonly state: 'delivered' | 'waiting' | 'failed' | 'dropped'
  readonly attempts: readonly { readonly status?: number; readonly failure?: string }[]
}

const LINE_LIMIT = 1024 * 1024
const LOOK_MS = 250
/** Statuses with which a moment is refused, not what was said. */
const PASSING: readonly number[] = [408, 425, 429]

/** A user of the emulator at a channel's base URL. It is not connected again: what is sent meanwhile would be missed. */
export function createEmulatedUser(options: EmulatedUserOptions, events: EmulatedUserEvents): EmulatedUser {
  const { channel, kind, baseUrl, user } = options
  const over = new AbortController()
  const stateListeners = new Set<(change: StateChange) => void>()
  let state: ClientState = 'connecting'
  let said: Promise<unknown> = Promise.resolve()
  let waiting = 0
  /** Ends the stream. Aborting its call is not enough: the runtime forgets the signal once the call itself is garbage. */
  let hangUp: () => Promise<void> = () => Promise.resolve()

  function change(next: ClientState, error?: KefuError): void {
    if (state === next || state === 'closed') return
    state = next
    for (const listener of stateListeners) listener({ state, ...(error !== undefined && { error }) })
  }

  function unreachable(reason: string, cause?: unknown): KefuError {
    return new KefuError('KEFU_EMULATOR_UNREACHABLE', { kind, url: baseUrl, reason }, { cause })
  }

  async function call(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, baseUrl), { redirect: 'error', ...init })
    } catch (error) {
      if (init.signal?.aborted === true) throw new KefuError('KEFU_ABORTED', {}, { cause: error })
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw unreachable(cause instanceof Error ? cause.message : 'no connection', error)
    }
  }

  /** Opens the stream; returns once it is there, and then reads on until its end. */
  async function connect(signal: AbortSignal): Promise<void> {
    const path = `/emulator/stream?user=${encodeURIComponent(user)}`
    // The signal is for connecting: what is connected stays.
    const opening = new AbortController()
    const abort = (): void => opening.abort()
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    try {
      await open(path, AbortSignal.any([opening.signal, over.signal]))
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async function open(path: string, signal: AbortSignal): Promise<void> {
    const response = await call(path, { signal })
    if (response.status !== 200 || response.body === null) throw unreachable('something else answers there')
    const reader = response.body.getReader()
    hangUp = () => reader.cancel().catch(() => undefined)
    const lines = linesOf(reader)
    const first = await lines.next()
    const ready: unknown = first.done === true ? undefined : parsed(first.value)
    const found = isObject(ready) && ready.type === 'ready' ? String(ready.kind) : undefined
    if (found !== kind) throw unreachable(found === undefined ? 'something else answers there' : `it emulates ${found}`)
    change('ready')
    void follow(lines)
  }

  async function follow(lines: AsyncGenerator<string>): Promise<void> {
    try {
      for await (const line of lines) hear(parsed(line))
      change('closed', unreachable('it has ended'))
    } catch (error) {
      change('closed', unreachable('the connection was lost', error))
    }
  }

  function hear(event: unknown): void {
    if (!isObject(event)) return
    if (event.type === 'typing') events.typing(event.isTyping === true)
    const { message } = event
    if (event.type !== 'sent' || !isObject(message)) return
    events.message({
      ...{ n: Number(message.n), at: Number(message.at) },
      ...{ type: String(message.type), text: String(message.text) },
    })
  }

  async function deliver(content: EmulatedContent): Promise<{ readonly n: number }> {
    const response = await call('/emulator/say', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, content, wait: 'attempt' }),
      signal: over.signal,
    })
    const answer = parsed(await response.text())
    if (!isObject(answer)) throw unreachable('something else answers there')
    if (isObject(answer.error)) throw new KefuError('KEFU_USAGE', { reason: String(answer.error.message) })
    const first = deliveryIn(answer.delivery)
    const isOpen = first.state === 'waiting' && !isFinal(first)
    if (isOpen) events.failedOnce(reasonOf(first))
    const { n, state, attempts } = isOpen ? await settled(first.n) : first
    if (state === 'delivered') return { n }
    throw new KefuError('KEFU_EMULATOR_UNDELIVERED', { channel, reason: reasonOf({ state, attempts }) })
  }

  /** What became of a push, once that is known. */
  async function settled(n: number): Promise<Delivery> {
    for (;;) {
      await pause(LOOK_MS, undefined, { signal: over.signal }).catch(cause => {
        throw new KefuError('KEFU_ABORTED', {}, { cause })
      })
      const response = await call(`/emulator/deliveries?after=${n - 1}`, { signal: over.signal })
      const answer = parsed(await response.text())
      const found = isObject(answer) && Array.isArray(answer.deliveries) ? answer.deliveries[0] : undefined
      const delivery = deliveryIn(found)
      if (delivery.n !== n) throw unreachable('it was started anew')
      if (delivery.state !== 'waiting') return delivery
    }
  }

  function deliveryIn(value: unknown): Delivery {
    if (isObject(value) && typeof value.n === 'number' && Array.isArray(value.attempts)) return value as Delivery
    throw unreachable('something else answers there')
  }

  return {
    get state() {
      return state
    },
    get unacknowledged() {
      return waiting
    },
    ready: (signal = over.signal) => connect(signal),
    say(content) {
      waiting++
      const done = said.then(() => deliver(content)).finally(() => waiting--)
      said = done.catch(() => undefined)
      return done
    },
    close() {
      change('closed')
      over.abort()
      return hangUp()
    },
    on(name: 'state' | 'error', listener: ((change: StateChange) => void) | ((error: KefuError) => void)) {
      if (name === 'error') return () => {}
      const added = listener as (change: StateChange) => void
      stateListeners.add(added)
      return () => stateListeners.delete(added)
    },
  }
}

/** Lines of a stream; one that is too long ends it. */
async function* linesOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    rest += decoder.decode(read.value, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(line => line !== '')
    if (rest.length > LINE_LIMIT) throw new Error('a line is too long')
  }
}

/** Whether the callback address has said that it will not take it. */
function isFinal({ attempts }: Delivery): boolean {
  const { status } = attempts.at(-1) ?? {}
  return status !== undefined && status >= 400 && status < 500 && !PASSING.includes(status)
}

function reasonOf({ state, attempts }: Pick<Delivery, 'state' | 'attempts'>): string {
  const last = attempts.at(-1)
  if (last === undefined) return state
  return last.failure ?? `kefu answered ${last.status}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
