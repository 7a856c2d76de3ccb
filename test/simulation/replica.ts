import type { ConversationId } from '../../src/codec/conversation-id.js'
import { reduce } from '../../src/daemon/core/conversation.js'
import type { LogRecord } from '../../src/daemon/core/log-record.js'
import type { ChannelKind, Head } from '../../src/daemon/core/model.js'
import { byTurn, lineKey, type Waiting, waitingOf } from '../../src/daemon/core/waiting-line.js'

/** What an agent has, in all and by kind. */
export type Load = { total: number; readonly byKind: Partial<Record<ChannelKind, number>> }

/** Adds to a load, or takes away. */
export function count(loads: Map<string, Load>, agent: string, kind: ChannelKind, change: 1 | -1): void {
  let load = loads.get(agent)
  if (load === undefined) {
    load = { total: 0, byKind: {} }
    loads.set(agent, load)
  }
  load.total += change
  load.byKind[kind] = (load.byKind[kind] ?? 0) + change
}

/** Conversations as the records up to some place leave them: nothing in here comes from the router or its board. */
export class Replica {
  readonly heads = new Map<ConversationId, Head>()
  /** What agents have that is `active`. */
  readonly loads = new Map<string, Load>()
  /** Those who wait, by line, in the order of their turns. */
  readonly lines = new Map<string, Waiting[]>()
  seq = 0

  /** Takes the next record of the log; the heads before and after it. */
  apply({ conversation, flags, n, seq, at, body }: LogRecord): {
    readonly before: Head | null
    readonly head: Head
  } {
    if (seq !== this.seq + 1) throw new Error(`record ${seq} after record ${this.seq}`)
    this.seq = seq
    const before = this.heads.get(conversation) ?? null
    if (n !== (before?.n ?? 0) + 1) throw new Error(`${conversation}: record ${n} after ${before?.n}`)
    const prev = before?.seq ?? 0
    const head = reduce(conversation, before, { flags, n, seq, prev, at }, body)
    this.heads.set(conversation, head)
    if (before !== null) this.#count(before, -1)
    this.#count(head, 1)
    return { before, head }
  }

  #count(head: Head, change: 1 | -1): void {
    if (head.state === 'active' && head.agent !== undefined) count(this.loads, head.agent, head.kind, change)
    const waiting = waitingOf(head, undefined)
    if (waiting === undefined) return
    const key = lineKey(waiting.need)
    const line = this.lines.get(key) ?? []
    this.lines.set(key, line)
    const at = placeIn(line, waiting)
    if (change === 1) line.splice(at, 0, waiting)
    else line.splice(at, 1)
    if (line.length === 0) this.lines.delete(key)
  }
}

function placeIn(line: readonly Waiting[], waiting: Waiting): number {
  let low = 0
  let high = line.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (byTurn(line[middle]!, waiting) < 0) low = middle + 1
    else high = middle
  }
  return low
}
