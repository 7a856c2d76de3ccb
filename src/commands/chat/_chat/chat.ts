import type { ClientState, Sent, StateChange } from '../../../client/index.js'
import { isKefuError, KefuError, toKefuError } from '../../../errors.js'
import { wordsOfCount } from '../../_cli/words.js'
import type { Progress } from './progress.js'
import type { Screen } from './screen.js'

/** The part of a client that a chat needs, whatever its role. */
export type ChatClient = {
  readonly state: ClientState
  readonly unacknowledged: number
  ready(signal?: AbortSignal): Promise<void>
  close(): Promise<void>
  on(name: 'state', listener: (change: StateChange) => void): () => void
  on(name: 'error', listener: (error: KefuError) => void): () => void
}

/** Something that the server is asked to do. */
export type Action = {
  /** Resolves when it holds and has been told of. */
  run(): Promise<void>
}

/** What a typed line does: it is sent, something is to be done, something was done here, or the chat ends. */
export type LineResult = Promise<Pick<Sent, 'id' | 'n'>> | Action | 'done' | 'quit'

/** A chat to be run. */
export type Chat = {
  readonly client: ChatClient
  readonly screen: Screen
  /** What is typed or piped in, line by line. */
  readonly lines: AsyncIterable<string>
  /** Takes a line. */
  line(text: string): LineResult
  /** Once connected, before the first line is taken. */
  started(): void | Promise<void>
  /** Stay after the end of the input until so many messages of the other side have come. */
  readonly waitCount: number | undefined
  /** Stay so long after the end of the input, or with `waitCount` at most so long. */
  readonly forMs: number | undefined
  readonly progress: Progress
  /** For connecting, and for the next acknowledgement at the end. */
  readonly timeoutMs: number
  /** Ends the chat at once, as Ctrl-C does. */
  readonly signal: AbortSignal
}

/** How long `--wait` waits when nothing else is said. */
export const USUAL_WAIT_MS = 60_000
/** Messages without an acknowledgement from which on no further line is read. */
const IN_FLIGHT_LIMIT = 256
const NOT_SENT = 'not sent'
const NOT_DONE = 'not done'
/** How long the last records may take after their acknowledgements: one may still be missing before them. */
const SHOWN_TIMEOUT_MS = 3_000

/**
 * Runs a chat until its end: connects, takes lines, waits for the acknowledgements and for what was to be received, closes. Throws why it could not
 * connect or was refused, and what the first message was refused with.
 */
export async function runChat(chat: Chat): Promise<void> {
  const { client, signal, screen } = chat
  const ended = new AbortController()
  let failure: KefuError | undefined
  const offState = client.on('state', change => {
    tellState(screen, change)
    if (change.state !== 'closed') return
    failure = change.error
    ended.abort()
  })
  // Why a client ended comes with its state as well.
  const offError = client.on('error', error => {
    if (client.state !== 'closed') screen.note(`${error.message} (${error.code})`)
  })
  const over = AbortSignal.any([signal, ended.signal])
  try {
    await connect(chat)
    await chat.started()
    const refused = await takeLines(chat, over)
    if (!screen.isInteractive) await until(chat.progress, () => chat.progress.unseen === 0, SHOWN_TIMEOUT_MS, over)
    await receive(chat, over)
    if (failure !== undefined) throw failure
    if (refused !== undefined && !signal.aborted) throw refused
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    offState()
    offError()
    await client.close()
  }
}

async function connect({ client, signal, timeoutMs }: Chat): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs)
  let last: KefuError | undefined
  const off = client.on('state', ({ error }) => {
    last = error ?? last
  })
  try {
    await client.ready(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (isKefuError(error, 'KEFU_ABORTED') && deadline.aborted)
      throw last ?? new KefuError('KEFU_TIMEOUT', { what: 'connecting', timeoutMs })
    throw error
  } finally {
    off()
  }
}

/** Takes lines until they end, and waits until each is acknowledged. Returns the first refusal. */
async function takeLines(chat: Chat, over: AbortSignal): Promise<KefuError | undefined> {
  const { screen, client } = chat
  const waiting = new Set<Promise<unknown>>()
  let refused: KefuError | undefined
  const follow = (settled: Promise<void>): void => {
    const entry = settled.finally(() => waiting.delete(entry))
    waiting.add(entry)
  }
  const fail = (what: string, text: string, error: unknown): void => {
    const known = toKefuError(error)
    refused ??= known
    if (!over.aborted)
      screen.note(
        `${what}: ${shortened(text)}: ${known.message} (${known.code})${what === NOT_SENT && !screen.isInteractive ? '' : hintOf(what, known)}`,
      )
  }
  const lines = chat.lines[Symbol.asyncIterator]()
  const stop = aborted(over)
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), stop.promise])
      if (next === 'aborted' || next.done === true) break
      const text = next.value
      if (text.trim() === '') continue
      const result = chat.line(text)
      if (result === 'quit') break
      if (result === 'done') continue
      if (!(result instanceof Promise)) {
        const carryOut = (): Promise<void> => result.run().catch((error: unknown) => fail(NOT_DONE, text, error))
        // In a script lines take effect in their order. A person sees what has been sent and what has not.
        if (screen.isInteractive) follow(carryOut())
        else {
          await settle(chat, waiting, stop.promise, over)
          if (!over.aborted) follow(carryOut())
          await settle(chat, waiting, stop.promise, over)
        }
        continue
      }
      if (client.state !== 'ready') screen.note(`waiting for the connection: ${shortened(text)}`)
      const settled = result.then(
        ({ id, n }) => {
          screen.event({ type: 'sent', id, n })
          if (screen.isInteractive) screen.note(`sent: ${shortened(text)}`)
        },
        (error: unknown) => fail(NOT_SENT, text, error),
      )
      follow(settled)
      if (waiting.size >= IN_FLIGHT_LIMIT) await Promise.race([...waiting, stop.promise])
    }
    await settle(chat, waiting, stop.promise, over)
  } finally {
    stop.cancel()
  }
  return screen.isInteractive ? undefined : refused
}

/** Waits until everything is answered; the time that an answer may take begins with each one that comes. */
async function settle(
  { timeoutMs }: Chat,
  waiting: ReadonlySet<Promise<unknown>>,
  stop: Promise<'aborted'>,
  over: AbortSignal,
): Promise<void> {
  while (waiting.size > 0 && !over.aborted) {
    const tick = timer(timeoutMs)
    const winner = await Promise.race([...waiting, stop, tick.promise])
    tick.cancel()
    if (winner === 'late') throw new KefuError('KEFU_TIMEOUT', { what: 'an acknowledgement', timeoutMs })
  }
}

/** Stays for what is to be received. */
async function receive({ waitCount, forMs, progress, screen }: Chat, over: AbortSignal): Promise<void> {
  if (screen.isInteractive || (waitCount === undefined && forMs === undefined)) return
  const timeoutMs = forMs ?? USUAL_WAIT_MS
  const isEnough = (): boolean => waitCount !== undefined && progress.received >= waitCount
  const result = await until(progress, isEnough, timeoutMs, over)
  if (result === 'late' && waitCount !== undefined)
    throw new KefuError('KEFU_TIMEOUT', { what: `receiving ${wordsOfCount(waitCount, 'message')}`, timeoutMs })
}

/** Waits for a condition that may change with each record. */
async function until(
  progress: Progress,
  isDone: () => boolean,
  timeoutMs: number,
  over: AbortSignal,
): Promise<'done' | 'late' | 'aborted'> {
  const stop = aborted(over)
  const end = timer(timeoutMs)
  try {
    while (!isDone()) {
      const winner = await Promise.race([progress.next(), stop.promise, end.promise])
      if (winner !== 'more') return winner
    }
    return 'done'
  } finally {
    end.cancel()
    stop.cancel()
  }
}

function tellState(screen: Screen, { state, error, retryInMs }: StateChange): void {
  screen.event({
    type: 'state',
    state,
    ...(error !== undefined && { error: error.report() }),
    ...(retryInMs !== undefined && { retryInMs }),
  })
  if (state === 'ready') screen.note('connected')
  else if (state !== 'closed' && error !== undefined)
    screen.note(`not connected: ${error.message}; next attempt in ${Math.ceil((retryInMs ?? 0) / 1000)} s`)
}

/** What whoever typed it can do next. */
function hintOf(what: string, error: KefuError): string {
  const isMisused = what === NOT_DONE && error.code === 'KEFU_USAGE'
  const hint = isMisused ? '/help lists the commands' : error.peerReport().hint
  return `. ${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`
}

function aborted(signal: AbortSignal): { readonly promise: Promise<'aborted'>; cancel(): void } {
  let listener: () => void = () => {}
  const promise = new Promise<'aborted'>(resolve => {
    listener = () => resolve('aborted')
    if (signal.aborted) resolve('aborted')
    else signal.addEventListener('abort', listener, { once: true })
  })
  return { promise, cancel: () => signal.removeEventListener('abort', listener) }
}

function timer(delayMs: number): { readonly promise: Promise<'late'>; cancel(): void } {
  let handle: NodeJS.Timeout | undefined
  const promise = new Promise<'late'>(resolve => {
    handle = setTimeout(() => resolve('late'), delayMs)
  })
  return { promise, cancel: () => clearTimeout(handle) }
}

function shortened(text: string): string {
  const characters = [...text.trim()]
  return characters.length <= 40 ? characters.join('') : `${characters.slice(0, 39).join('')}…`
}
