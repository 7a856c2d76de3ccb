import type { Hook } from '../core/hook.js'
import type { LogRecord } from '../core/log-record.js'
import type { Head } from '../core/model.js'
import { type CallPorts, type CallResult, callSigned } from './signed-calls.js'

/** What deliveries stand on. */
export type DeliveryPorts = CallPorts & {
  /** The name of a channel; undefined for one that is gone. */
  channelName(number: number): string | undefined
}

/**
 * What became of a delivery. `refused`: the endpoint works and does not want this record. `failing`: it may be down, or not be set up yet. `gone`: it wants
 * nothing any more.
 */
export type Outcome =
  | { readonly type: 'delivered'; readonly status: number }
  | { readonly type: 'refused' | 'gone'; readonly status: number; readonly reason: string }
  | { readonly type: 'failing'; readonly status?: number; readonly reason: string }

const TIMEOUT_MS = 10_000
/** Of an answer nothing is read but its status. */
const ANSWER_LIMIT_BYTES = 256 * 1024

/** Answers of the kind "not like this" that are about the endpoint or the moment, not about the record. */
const ENDPOINT_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 408, 421, 425, 426, 429])

/** Delivers a record once. Never throws. */
export async function deliverRecord(
  ports: DeliveryPorts,
  hook: Hook,
  record: LogRecord,
  { channel, kind, contact }: Pick<Head, 'channel' | 'kind' | 'contact'>,
  abort: AbortSignal,
): Promise<Outcome> {
  const id = `${hook.id}:${record.seq}`
  const name = ports.channelName(channel)
  const body = {
    id,
    hook: hook.name,
    at: record.at,
    conversation: record.conversation,
    n: record.n,
    channel: { number: channel, ...(name === undefined ? {} : { name }), kind },
    contact,
    record: record.body,
  }
  return await deliver(ports, hook, id, body, abort)
}

/** Delivers a record that nobody has written, so that somebody sees whether it arrives. Never throws. */
export async function deliverTest(
  ports: DeliveryPorts,
  hook: Hook,
  word: string,
  abort: AbortSignal,
): Promise<Outcome> {
  const id = `${hook.id}:test-${word}`
  const body = { id, hook: hook.name, at: Math.floor(ports.clock.now()), record: { type: 'test' } }
  return await deliver(ports, hook, id, body, abort)
}

async function deliver(
  ports: CallPorts,
  { id: hook, url }: Hook,
  id: string,
  body: object,
  abort: AbortSignal,
): Promise<Outcome> {
  const call = { owner: `hook/${hook}` as const, url, id, body: JSON.stringify(body) }
  const bounds = { timeoutMs: TIMEOUT_MS, limitBytes: ANSWER_LIMIT_BYTES }
  return outcomeOf(await callSigned(ports, { ...call, ...bounds }, abort))
}

/** What an answer means. */
export function outcomeOf(result: CallResult): Outcome {
  if (result.type !== 'answered') return { type: 'failing', reason: result.reason }
  const { status } = result
  if (status >= 200 && status < 300) return { type: 'delivered', status }
  const reason = `it answered ${status}`
  if (status === 410) return { type: 'gone', status, reason }
  const isRefusal = status >= 400 && status < 500 && !ENDPOINT_STATUSES.has(status)
  if (isRefusal) return { type: 'refused', status, reason }
  return { type: 'failing', status, reason: status < 400 ? `${reason}, which is not followed` : reason }
}
