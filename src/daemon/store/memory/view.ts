import type { ConversationId } from '../../../codec/conversation-id.js'
import { owners } from '../../core/conversation.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Cursor, InboxPosition, LogEntry, Receipt, ViewPort } from '../../core/ports.js'

/** Views worked out from all records, each time. */
export class MemoryView implements ViewPort {
  readonly #conversations: ReadonlyMap<ConversationId, readonly LogEntry[]>
  readonly #receipts = new Map<string, Receipt>()

  constructor(conversations: ReadonlyMap<ConversationId, readonly LogEntry[]>) {
    this.#conversations = conversations
  }

  async inbox(
    owner: string,
    range: { readonly after: Cursor; readonly before?: Cursor; readonly limit: number },
  ): Promise<{ entries: InboxPosition[]; more: boolean }> {
    const after = parseCursor(range.after)
    const before = range.before === undefined ? Number.POSITIVE_INFINITY : parseCursor(range.before)
    const places: { readonly head: Head; readonly seq: number }[] = []
    for (const entries of this.#conversations.values()) {
      const seq = placeIn(owner, entries)
      if (seq !== undefined && seq > after && seq < before) places.push({ head: entries.at(-1)!.head, seq })
    }
    places.sort((a, b) => b.seq - a.seq)
    return {
      entries: places.slice(0, range.limit).map(({ head, seq }) => ({ head, cursor: formatCursor(seq) })),
      more: places.length > range.limit,
    }
  }

  async waiting(
    limit: number,
    after?: { readonly sinceMs: number; readonly conversation: ConversationId },
  ): Promise<Head[]> {
    const order = (a: { since: number; id: string }, b: { since: number; id: string }) =>
      a.since - b.since || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
    const start = after === undefined ? undefined : { since: after.sinceMs, id: after.conversation }
    return this.#heads()
      .flatMap(head =>
        head.waitingSince === undefined ? [] : [{ since: head.waitingSince, id: head.conversation, head }],
      )
      .filter(row => start === undefined || order(row, start) > 0)
      .sort(order)
      .slice(0, limit)
      .map(row => row.head)
  }

  async activeCounts(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (const { agent } of this.#heads()) if (agent !== undefined) counts.set(agent, (counts.get(agent) ?? 0) + 1)
    return counts
  }

  async active(agent: string, limit: number): Promise<Head[]> {
    const heads: Head[] = []
    // Simulations ask this of ten thousands of conversations, again and again: without an array of them all.
    for (const entries of this.#conversations.values()) {
      const { head } = entries[entries.length - 1]!
      if (head.agent === agent) heads.push(head)
    }
    return heads.sort((a, b) => (a.conversation < b.conversation ? -1 : 1)).slice(0, limit)
  }

  async receipt(conversation: ConversationId, reader: string): Promise<Receipt | null> {
    return this.#receipts.get(`${conversation} ${reader}`) ?? null
  }

  async putReceipts(receipts: readonly Receipt[]): Promise<void> {
    for (const receipt of receipts) this.#receipts.set(`${receipt.conversation} ${receipt.reader}`, { ...receipt })
  }

  #heads(): Head[] {
    return [...this.#conversations.values()].map(entries => entries.at(-1)!.head)
  }
}

/** Where a conversation stands in an inbox: at its last record while it belongs to the owner, else at the record that took it away. */
function placeIn(owner: string, entries: readonly LogEntry[]): number | undefined {
  let place: number | undefined
  let isPresent = false
  for (const { record, head } of entries) {
    const belongs = owners(head).includes(owner)
    if (belongs || isPresent) place = record.seq
    isPresent = belongs
  }
  return place
}
