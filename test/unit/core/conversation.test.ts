import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { parseConversationId } from '../../../src/codec/conversation-id.js'
import { headKey } from '../../../src/codec/keys.js'
import { pack, unpack } from '../../../src/codec/msgpack.js'
import type { Author } from '../../../src/codec/wire.js'
import { PRIORITIES } from '../../../src/codec/wire-commands.js'
import { reduce } from '../../../src/daemon/core/conversation.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { OpenedBody, RecordBody } from '../../../src/daemon/core/records.js'
import { decodeHead, encodeHead } from '../../../src/daemon/store/level/head-value.js'

const CONVERSATION = 'c_00000000000000000000000000'
const OPENED: OpenedBody = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'v1' }
const START_MS = 1_700_000_000_000

const agent = fc.constantFrom('a_1', 'a_2', 'a_3')
const team = fc.constantFrom('t_1', 't_2')
const instant = fc.integer({ min: START_MS, max: START_MS + 1_000_000 })
const by: fc.Arbitrary<Author> = fc.oneof(
  fc.constant<Author>({ role: 'contact' }),
  fc.constant<Author>({ role: 'system' }),
  fc.constant<Author>({ role: 'operator' }),
  agent.map((id): Author => ({ role: 'agent', id, name: id })),
)
const few = (values: readonly string[]) => fc.subarray([...values])
const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] })

/** Any body but the first, in any order: also orders that no command makes. */
const body = fc
  .oneof(
    fc.record({ type: fc.constant('message'), by, parts: fc.constant([{ type: 'text', text: 'hello' }]) }),
    fc.tuple(
      fc.record({ type: fc.constant('queued'), by, since: instant, reasons: fc.constant(['offline=1']) }),
      optional({ from: agent, team, declinedBy: agent, asksAgain: fc.constant(true) }),
    ),
    fc.tuple(
      agent.map(id => ({ type: 'assigned', by: { role: 'system' }, agent: id, name: id, reasons: ['sticky'] })),
      optional({ from: agent, bot: fc.constant(true) }),
    ),
    fc.tuple(fc.record({ type: fc.constant('transferred'), by }), optional({ agent, team })),
    fc.record({ type: fc.constant('snoozed'), by, until: instant }),
    fc.record({ type: fc.constant('woken'), by, since: instant }),
    fc.record({ type: fc.constant('closed'), by, reason: fc.constant('agent') }),
    fc.record({ type: fc.constant('reopened'), by }),
    fc.tuple(
      fc.record({ type: fc.constant('updated'), by }),
      optional({
        priority: fc.constantFrom(...PRIORITIES),
        subject: fc.constantFrom('', 'refund'),
        language: fc.constantFrom('', 'zh'),
        team: fc.oneof(team, fc.constant('')),
        addTags: few(['vip', 'angry']),
        removeTags: few(['vip', 'angry']),
        requires: fc.constantFrom({}, { refund: 2 }),
        prefers: few(['billing']),
        name: fc.constantFrom('', '李雷'),
        attributes: fc.constantFrom({}, { city: '上海' }, { city: '' }),
      }),
    ),
    fc.record({ type: fc.constant('note'), by, text: fc.constant('calls again') }),
    fc.record({ type: fc.constant('rated'), by, episode: fc.integer({ min: 1, max: 3 }), score: fc.constant(5) }),
    fc.tuple(fc.record({ type: fc.constant('linked'), by }), optional({ person: fc.constantFrom('p_1', 'p_2') })),
    fc.record({ type: fc.constant('overdue'), by, timer: fc.constant('firstResponse'), dueAt: instant }),
  )
  .map(parts => (Array.isArray(parts) ? Object.assign({}, ...parts) : parts) as RecordBody)

const history = fc.array(fc.tuple(body, fc.integer({ min: 0, max: 5_000 })), { maxLength: 40 })

/** Every head of a history, the first one behind `opened`. */
function replay(steps: readonly (readonly [RecordBody, number])[], from?: Head): Head[] {
  const heads: Head[] = from === undefined ? [reduce(CONVERSATION, null, stampAt(1, START_MS), OPENED)] : [from]
  for (const [next, delayMs] of steps) {
    const before = heads.at(-1)!
    heads.push(reduce(CONVERSATION, deepFreeze(before), stampAt(before.n + 1, before.at + delayMs), deepFreeze(next)))
  }
  return heads
}

const stampAt = (n: number, at: number) => ({ n, seq: 10 * n, prev: 10 * (n - 1), at, flags: 0 })

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const field of Object.values(Object.freeze(value))) deepFreeze(field)
  return value
}

test('any replay of a history gives the same heads, and changes nothing that it was given', () => {
  fc.assert(
    fc.property(history, steps => {
      const heads = replay(steps)
      assert.deepEqual(replay(steps), heads)
      // As the bodies come back from the log.
      assert.deepEqual(replay(steps.map(([next, delayMs]) => [unpack(pack(next)) as RecordBody, delayMs])), heads)
    }),
  )
})

test('a replay that goes on from any stored head ends where the whole one does', () => {
  const key = headKey(parseConversationId(CONVERSATION))
  fc.assert(
    fc.property(history, fc.nat(), (steps, pick) => {
      const heads = replay(steps)
      const at = pick % heads.length
      const bytes = encodeHead({ head: heads[at]!, departures: [], windowN: 0 }, crc32(key))
      const stored = decodeHead(key, Uint8Array.from(bytes)).head
      assert.deepEqual(stored, heads[at])
      assert.deepEqual(replay(steps.slice(at), stored).at(-1), heads.at(-1))
    }),
  )
})

test('after every record the state and what belongs to it agree', () => {
  fc.assert(
    fc.property(history, steps => {
      const heads = replay(steps)
      for (const [at, { state, agent, waitingSince, unansweredSince, details, n }] of heads.entries()) {
        assert.equal(n, at + 1)
        assert.equal(
          waitingSince !== undefined,
          state === 'new' || state === 'waiting',
          `${state} since ${waitingSince}`,
        )
        if (state === 'bot' || state === 'active') assert.notEqual(agent, undefined, state)
        if (state === 'new' || state === 'waiting' || state === 'closed') assert.equal(agent, undefined, state)
        assert.equal(details.snoozedUntil !== undefined, state === 'snoozed', `${state} until ${details.snoozedUntil}`)
        if (state === 'closed') assert.equal(unansweredSince, undefined)
        assert.ok([0, 1].includes(details.episode - (heads[at - 1]?.details.episode ?? 0)), `${details.episode}`)
        assert.equal(new Set(details.tags).size, details.tags.length)
      }
    }),
  )
})
