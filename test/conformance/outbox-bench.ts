import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { OutboxHandler, OutboxResult, OutboxRow, Store } from '../../src/daemon/core/ports.js'
import { answer, fill, turns, until } from './store-bench.js'

/** What the cases of the outbox are made of. */

/** The lane of the channel that `OUT` opens conversations of. */
export const LANE = 'ch:7'
/** A conversation whose answers go through the outbox. */
export const OUT = { channel: 7, kind: 'web', egress: 'outbox' } as const
/** It went out. */
export const SENT: OutboxResult = { type: 'sent' }

/** What a worker does with a job. */
export type Handler = OutboxHandler

/** Conversations of a platform channel with answers that have to go out. */
export async function fillOut({ log }: Store, conversations: number, answers: number): Promise<ConversationId[]> {
  const ids = await Promise.all(Array.from({ length: conversations }, (_, i) => fill(log, i, 1, OUT)))
  for (let k = 0; k < answers; k++)
    await Promise.all(ids.map(id => log.append(id, [answer('ann', `a${k}`)], { id: `a${k}` })))
  return ids
}

/** Works through the lane until the condition holds. */
export async function workUntil(
  { outbox }: Store,
  what: string,
  condition: () => boolean | Promise<boolean>,
  handler: Handler,
  concurrency = 8,
): Promise<void> {
  const abort = new AbortController()
  const working = outbox.work(LANE, concurrency, handler, abort.signal)
  try {
    await until(what, condition)
    await turns()
  } finally {
    abort.abort()
  }
  await working
}

/** The first rows of a lane. */
export async function rowsOf({ outbox }: Store, limit: number, lane = LANE): Promise<OutboxRow[]> {
  return (await outbox.rows({ lane, limit })).rows
}

/** Whether nothing is in the lane. */
export const isEmpty = (store: Store) => async () => (await rowsOf(store, 1)).length === 0
