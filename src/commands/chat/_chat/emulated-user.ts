import type { ClientState, StateChange } from '../../../client/index.js'
import { KefuError } from '../../../errors.js'
import type { ChatClient } from './chat.js'

/** A message that reached a user of an emulated platform. */
export type EmulatedMessage = { readonly n: number; readonly at: number; readonly type: string; readonly text: string }

/** What a user can say or do, as the emulator takes it. */
export type EmulatedContent = Readonly<Record<string, unknown>> & { readonly type: string }

/** Where an emulator is, and who writes there. */
export type EmulatedUserOptions = { readonly kind: string; readonly baseUrl: string; readonly user: string }

/** A user of an emulated platform: what a chat needs of a client. */
export type EmulatedUser = ChatClient & {
  /** Says something, after everything that was said before. Resolves when the callback address has taken it. Throws `KEFU_EMULATOR_UNDELIVERED` and `KEFU_EMULATOR_UNREACHABLE`. */
  say(content: EmulatedContent): Promise<{ readonly n: number }>
}

/** What a user hears. */
export type EmulatedUserEvents = { message(message: EmulatedMessage): void; typing(isTyping: boolean): void }

const LINE_LIMIT = 1024 * 1024

/** A user of the emulator at a channel's base URL. It is not connected again: what is sent meanwhile would be missed. */
export function createEmulatedUser(options: EmulatedUserOptions, events: EmulatedUserEvents): EmulatedUser {
  const { kind, baseUrl, user } = options
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
      body: JSON.stringify({ user, content }),
      signal: over.signal,
    })
    const answer = parsed(await response.text())
    if (!isObject(answer)) throw unreachable('something else answers there')
    if (isObject(answer.error)) throw new KefuError('KEFU_USAGE', { reason: String(answer.error.message) })
    const { delivery } = answer
    if (!isObject(delivery) || typeof delivery.n !== 'number') throw unreachable('something else answers there')
    if (delivery.state !== 'delivered')
      throw new KefuError('KEFU_EMULATOR_UNDELIVERED', {
        reason: reasonOf(delivery.attempts) ?? String(delivery.state),
      })
    return { n: delivery.n }
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

function reasonOf(attempts: unknown): string | undefined {
  const last: unknown = Array.isArray(attempts) ? attempts.at(-1) : undefined
  if (!isObject(last)) return undefined
  return typeof last.failure === 'string' ? last.failure : `it answered ${String(last.status)}`
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
