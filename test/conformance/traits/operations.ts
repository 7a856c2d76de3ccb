import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { START, type Store } from '../../../src/daemon/core/ports.js'
import { answer, message } from '../store-bench.js'

/** Every operation of a store, for what must hold of all of them. */
export const OPERATIONS: readonly {
  readonly name: string
  readonly isWrite: boolean
  call(store: Store, conversation: ConversationId): Promise<unknown>
}[] = [
  { name: 'append', isWrite: true, call: ({ log }, id) => log.append(id, [message('op')], { id: 'op' }) },
  { name: 'append of a unit', isWrite: true, call: ({ log }, id) => log.append(id, [answer('ann'), message()]) },
  {
    name: 'append with a platform key',
    isWrite: true,
    call: ({ log }, id) => log.append(id, [message()], { platformKey: 'op' }),
  },
  { name: 'create', isWrite: true, call: ({ directory }) => directory.create('op', 1) },
  { name: 'head', isWrite: false, call: ({ log }, id) => log.head(id) },
  { name: 'read', isWrite: false, call: ({ log }, id) => log.read(id, 0, 100) },
  { name: 'list', isWrite: false, call: ({ directory }) => directory.list('') },
  { name: 'inbox', isWrite: false, call: ({ view }) => view.inbox('ch:1', { after: START, limit: 10 }) },
  { name: 'waiting', isWrite: false, call: ({ view }) => view.waiting(10) },
  { name: 'activeCounts', isWrite: false, call: ({ view }) => view.activeCounts() },
  { name: 'active', isWrite: false, call: ({ view }) => view.active('ann', 10) },
  { name: 'receipt', isWrite: false, call: ({ view }, id) => view.receipt(id, 'ann') },
  { name: 'rows', isWrite: false, call: ({ outbox }) => outbox.rows({ lane: 'ch:1', limit: 10 }) },
]
