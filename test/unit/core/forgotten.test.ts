import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { Author } from '../../../src/codec/wire.js'
import { reduce } from '../../../src/daemon/core/conversation.js'
import { forgotten, forgottenHead, isForgettable, isForgotten } from '../../../src/daemon/core/forgotten.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'

const CONVERSATION = formatConversationId(new Uint8Array(16))
const agent = fc.constantFrom('a_1', 'a_2')
const by: fc.Arbitrary<Author> = fc.oneof(
  fc.constantFrom<Author>({ role: 'contact', id: 'secret', name: 'secret' }, { role: 'system' }),
  agent.map((id): Author => ({ role: 'agent', id, name: 'secret' })),
)
const window = { until: 900, messages: 5 }
const some = (body: object): fc.Arbitrary<RecordBody> => by.map(author => ({ ...body, by: author }) as RecordBody)

/** Records with every field that a standing follows from. */
const body: fc.Arbitrary<RecordBody> = fc.oneof(
  ...[
    { type: 'message', id: 'secret', parts: [{ type: 'text', text: 'secret' }], window },
    { type: 'message', parts: [], writtenAt: 3 },
    { type: 'message', parts: [], reply: 'idleWarning' },
    { type: 'message', parts: [], isEcho: true },
    { type: 'event', name: 'secret', data: { key: 'secret' }, window },
    { type: 'delivery', message: 2, state: 'failed', reason: 'secret' },
    { type: 'queued', since: 7, reasons: ['secret'], from: 'a_1', team: 't_1', declinedBy: 'a_2', asksAgain: true },
    { type: 'queued', since: 8, reasons: [] },
    { type: 'assigned', agent: 'a_1', name: 'secret', reasons: ['secret'] },
    { type: 'assigned', agent: 'a_2', name: 'secret', reasons: [], bot: true },
    { type: 'transferred', agent: 'a_2', note: 'secret' },
    { type: 'snoozed', until: 50 },
    { type: 'woken', since: 9, from: 'a_1' },
    { type: 'closed', reason: 'agent', asksRating: true, from: 'a_1' },
    { type: 'reopened' },
    { type: 'updated', name: 'secret', subject: 'secret', language: 'secret', priority: 'high', team: 't_2' },
    { type: 'updated', addTags: ['secret'], attributes: { secret: 'secret' }, requires: { x: 1 }, prefers: ['a_1'] },
    { type: 'note', text: 'secret' },
    { type: 'rated', episode: 1, score: 4, comment: 'secret' },
    { type: 'overdue', timer: 'firstResponse', dueAt: 4, agent: 'a_1', team: 't_1' },
    { type: 'linked', person: 'secret' },
  ].map(some),
)

const opening = fc.constantFrom<RecordBody>(
  { type: 'opened', channel: 3, kind: 'web', egress: 'socket', contact: 'secret', name: 'secret', language: 'secret' },
  { type: 'opened', channel: 3, kind: 'webhook', egress: 'outbox', contact: 'secret', team: 't_1', isQuiet: true },
)

function replay(bodies: readonly RecordBody[]): Head {
  let head: Head | null = null
  for (const [i, body] of bodies.entries())
    head = reduce(CONVERSATION, head, { flags: 0, seq: i + 1, n: i + 1, prev: i, at: 10 * i }, body)
  return head!
}

test('a conversation that is forgotten stands where its records lead, whatever they were', () => {
  fc.assert(
    fc.property(opening, fc.array(body, { maxLength: 25 }), (first, rest) => {
      const bodies = [first, ...rest]
      const left = bodies.map(each => forgotten(each, 99))
      assert.doesNotMatch(JSON.stringify(left), /secret/)
      assert.deepEqual(replay(left), forgottenHead(replay(bodies)))
      assert.ok(isForgotten(replay(left)))
    }),
  )
})

test('records that are forgotten by themselves take nothing with them', () => {
  fc.assert(
    fc.property(opening, fc.array(fc.tuple(body, fc.boolean()), { maxLength: 25 }), (first, rest) => {
      const left = rest.map(([each, isToGo]) => (isToGo && isForgettable(each) ? forgotten(each, 99) : each))
      assert.deepEqual(replay([first, ...left]), replay([first, ...rest.map(([each]) => each)]))
    }),
  )
})

test('what is forgotten once stays as it was forgotten', () => {
  const once = forgotten({ type: 'note', by: { role: 'system' }, text: 'secret' }, 5)
  assert.equal(forgotten(once, 6), once)
})
