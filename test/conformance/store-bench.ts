import assert from 'node:assert/strict'
import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import type { LogRecord } from '../../src/daemon/core/log-record.js'
import type { Cursor, LogEntry, LogPort, Store } from '../../src/daemon/core/ports.js'
import type { MessageRecordBody, OpenedBody, RecordBody } from '../../src/daemon/core/records.js'
import { SYSTEM } from '../../src/daemon/core/records.js'
import { type ErrorCode, isKefuError } from '../../src/errors.js'
import type { ManualClock } from '../helpers/manual-clock.js'

/** What the store cases are made of: a store under test and its clock, and short words for records. */

/** A store to be tested, and its life. `restart` closes and opens it again; `kill` opens what a killed process would have left. */
export type StoreSubject = {
  readonly store: Store
  readonly clock: ManualClock
  restart(): Promise<Store>
  kill(): Promise<Store>
  /** Closes it and removes what it stored. */
  dispose(): Promise<void>
}

/** What a kind of store can be asked for; what it cannot carries the reason. */
export type StoreCapabilities = { readonly restart: true | { readonly reason: string } }

/** One promise of the ports. `run` throws when it is not kept. */
export type StoreCase = {
  readonly name: string
  readonly needs?: keyof StoreCapabilities
  run(subject: StoreSubject): Promise<void>
}

/** A case. */
export function storeCase(
  name: string,
  run: (subject: StoreSubject) => Promise<void>,
  options: { readonly needs?: keyof StoreCapabilities } = {},
): StoreCase {
  return { name, run, ...options }
}

/** The id of the conversation with a number, spread over the key space. */
export function conversationId(number: number): ConversationId {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(Math.imul(number + 1, 0x9e3779b1) >>> 0, 0)
  bytes.writeUInt32BE(number, 12)
  return formatConversationId(bytes)
}

/** A first record: of an app channel whose answers go over sockets, unless told otherwise. */
export function opening(fields: Partial<OpenedBody> = {}): OpenedBody {
  return { type: 'opened', channel: 1, kind: 'app', egress: 'socket', contact: 'contact-1', ...fields }
}

/** A message of the contact. */
export function message(id?: string, text = 'hello'): MessageRecordBody {
  return {
    type: 'message',
    by: { role: 'contact' },
    ...(id === undefined ? {} : { id }),
    parts: [{ type: 'text', text }],
  }
}

/** A message of an agent. */
export function answer(agent: string, id?: string, text = 'how can I help?'): MessageRecordBody {
  return {
    type: 'message',
    by: { role: 'agent', id: agent },
    ...(id === undefined ? {} : { id }),
    parts: [{ type: 'text', text }],
  }
}

/** The conversation goes to an agent. */
export function assigned(agent: string): RecordBody {
  return { type: 'assigned', by: SYSTEM, agent, name: agent.toUpperCase(), reasons: ['test'] }
}

/** The conversation waits, since an instant. */
export function queued(since: number): RecordBody {
  return { type: 'queued', by: SYSTEM, since, reasons: ['test'] }
}

/** Opens a conversation with `count` messages of its contact; its id. */
export async function fill(
  log: LogPort,
  number: number,
  count: number,
  fields?: Partial<OpenedBody>,
): Promise<ConversationId> {
  const id = conversationId(number)
  const appends = Array.from({ length: count }, (_, i) =>
    log.append(id, [message(`c${number}-${i}`, `text ${i}`)], { id: `c${number}-${i}`, opening: opening(fields) }),
  )
  await Promise.all(appends)
  return id
}

/** All records of a conversation, read in pages. */
export async function readAll(log: LogPort, id: ConversationId, page = 100): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (;;) {
    const more = await log.read(id, records.length, page)
    if (more.length === 0) return records
    records.push(...more)
    assert.ok(records.length <= 100_000, 'pages that do not end')
  }
}

/** The next `count` entries after a cursor; fails when they do not come within the time. */
export async function takeTail(log: LogPort, after: Cursor, count: number, timeoutMs = 10_000): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  if (count === 0) return entries
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  try {
    for await (const batch of log.tail(after, abort.signal)) {
      assert.ok(batch.length > 0, 'an empty batch')
      entries.push(...batch)
      if (entries.length >= count) break
    }
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
  assert.equal(entries.length, count, 'entries of the tail')
  return entries
}

/** Fails unless the promise is rejected with this code. */
export async function assertRefused(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isKefuError(error), `not a KefuError: ${error}`)
    assert.equal(error.code, code)
    return true
  })
}

/** Waits, in real time, until a condition holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `waited ${timeoutMs} ms for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** The outcome of a promise; fails, in real time, when there is none. */
export async function soon<T>(promise: Promise<T>, what: string, timeoutMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Lets everything run that is ready: microtasks and a few turns of the event loop. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Fails unless records are 1, 2, 3 … with ascending log positions. */
export function assertContiguous(records: readonly LogRecord[], from = 1): void {
  let seq = 0
  for (const [i, record] of records.entries()) {
    assert.equal(record.n, from + i, 'n without a gap')
    assert.ok(record.seq > seq, 'seq ascends')
    seq = record.seq
  }
}
