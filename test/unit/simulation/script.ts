import { type ConversationId, formatConversationId } from '../../../src/codec/conversation-id.js'
import type { Author } from '../../../src/codec/wire.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { Store } from '../../../src/daemon/core/ports.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { readTrace } from '../../../src/daemon/simulation/history.js'
import { PackedEpisodes, TracePacker } from '../../../src/daemon/simulation/packed-trace.js'
import type { Episode, Wish } from '../../../src/daemon/simulation/trace.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js'

/** When scripts begin. */
export const START = Date.UTC(2026, 10, 23, 8)

const CONTACT: Author = { role: 'contact' }
const SYSTEM: Author = { role: 'system' }

/** Writes a log, second by second. */
export class Script {
  readonly clock: ManualClock = createManualClock(START)
  readonly store: Store
  #messages = 0

  constructor(store?: Store) {
    this.store = store ?? createMemoryStore({ clock: this.clock })
  }

  /** The conversation of a number. */
  id(number: number): ConversationId {
    return formatConversationId(new Uint8Array(16).fill(number))
  }

  /** So many seconds after the start. */
  at(seconds: number): number {
    return START + 1_000 * seconds
  }

  /** Goes on to so many seconds after the start, and appends. */
  async append(seconds: number, number: number, ...bodies: RecordBody[]): Promise<void> {
    this.clock.advance(this.at(seconds) - this.clock.now())
    const conversation = this.id(number)
    await this.store.log.append(conversation, bodies, {
      opening: { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: `c${number}`, team: 'billing' },
    })
  }

  says(): RecordBody {
    return { type: 'message', by: CONTACT, id: `m${++this.#messages}`, parts: [{ type: 'text', text: 'hi' }] }
  }

  answers(agent: string): RecordBody {
    const by: Author = { role: 'agent', id: agent }
    return { type: 'message', by, id: `m${++this.#messages}`, parts: [{ type: 'text', text: 'yes' }] }
  }

  assigned(agent: string, by: Author = SYSTEM): RecordBody {
    return { type: 'assigned', by, agent, name: agent, reasons: [] }
  }

  queued(since: number, reason: string, more: object = {}): RecordBody {
    return { type: 'queued', by: SYSTEM, since: this.at(since), reasons: [reason], ...more }
  }

  closed(from?: string): RecordBody {
    return { type: 'closed', by: SYSTEM, reason: 'agent', ...(from === undefined ? {} : { from }) }
  }

  /** What is in the log between two seconds, packed and unpacked. */
  async trace(
    since: number,
    until: number,
  ): Promise<{ readonly wishes: readonly Wish[]; readonly episodes: Episode[] }> {
    const { log, view } = this.store
    const open: Head[] = [...(await view.waiting(1_000))]
    for (const agent of (await view.activeCounts()).keys()) open.push(...(await view.active(agent, 1_000)))
    const history = { log, openHeads: () => open, defaultTeam: () => undefined }
    const window = { since: this.at(since), until: this.at(until) }
    const packer = new TracePacker()
    const packed = new PackedEpisodes()
    for await (const batch of readTrace(history, window, new AbortController().signal)) packed.add(packer.pack(batch))
    return { wishes: packed.wishes, episodes: [...packed] }
  }
}
