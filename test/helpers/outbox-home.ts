import { join } from 'node:path'
import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import type { Author } from '../../src/codec/wire.js'
import type { OutboxJob, OutboxResult } from '../../src/daemon/core/ports.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createSystemClock } from './manual-clock.js'

const AGENT = { role: 'agent', id: 'a_1', name: 'xiaowang' } as const

/** An answer in a home's outbox, and what its platform said to it. */
export type OutboxSample = { readonly text: string; readonly result: OutboxResult }

/**
 * Fills the outbox of a home whose daemon does not run: one conversation of the channel for each list, with answers that begin with number 3, and after them
 * one more (`last`) that nobody has tried to send.
 */
export async function fillOutboxOf(
  home: string,
  channel: number,
  conversations: readonly (readonly OutboxSample[])[],
): Promise<ConversationId[]> {
  const store = await openLevelStore({ path: join(home, 'store'), clock: createSystemClock() })
  try {
    const { log, outbox } = store
    const results = new Map<string, OutboxResult>()
    const ids = conversations.map((_, i) => formatConversationId(new Uint8Array(16).fill(16 * channel + i)))
    const say = async (conversation: ConversationId, text: string, by: Author) =>
      (await log.append(conversation, [{ type: 'message', by, parts: [{ type: 'text', text }] }])).n
    for (const [i, samples] of conversations.entries()) {
      const conversation = ids[i]!
      const opening = { type: 'opened', channel, kind: 'app', egress: 'outbox', contact: `contact-${i}` } as const
      await log.append(conversation, [], { opening })
      await say(conversation, 'hello', { role: 'contact' })
      for (const { text, result } of samples)
        results.set(`${conversation}:${await say(conversation, text, AGENT)}`, result)
    }
    const abort = new AbortController()
    if (results.size === 0) abort.abort()
    const send = async ({ conversation, n }: OutboxJob) => {
      const id = `${conversation}:${n}`
      const result = results.get(id)
      results.delete(id)
      if (results.size === 0) abort.abort()
      return result ?? { type: 'park' as const }
    }
    await outbox.work(`ch:${channel}`, 1, send, abort.signal)
    for (const conversation of ids) await say(conversation, 'last', AGENT)
    return ids
  } finally {
    await store.close()
  }
}
