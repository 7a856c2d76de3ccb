import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Standing, standingAfter } from '../../src/client/standing.js'
import type { Author } from '../../src/codec/wire.js'
import { reduce } from '../../src/daemon/core/conversation.js'
import { forgotten } from '../../src/daemon/core/forgotten.js'
import type { Head } from '../../src/daemon/core/model.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import { CONVERSATION } from './fake-server.js'

const OPENED: RecordBody = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'v_1' }

type Later = Exclude<RecordBody['type'], 'opened' | 'forgotten'>

const agent = fc.constantFrom('a_1', 'a_2', 'a_3')
const by: fc.Arbitrary<Author> = fc.oneof(
  fc.constantFrom<Author>({ role: 'contact' }, { role: 'system' }, { role: 'operator' }),
  agent.map((id): Author => ({ role: 'agent', id, name: id })),
)
const from = fc.oneof(
  fc.constant({}),
  agent.map(id => ({ from: id })),
)
const parts = [{ type: 'text' as const, text: 'x' }]

/** Every type of record that can come after the first one. */
const RECORDS: { readonly [T in Later]: fc.Arbitrary<Extract<RecordBody, { type: T }>> } = {
  message: by.map(author => ({ type: 'message', by: author, parts })),
  event: by.map(author => ({ type: 'event', by: author, name: 'followed' })),
  delivery: by.map(author => ({ type: 'delivery', by: author, message: 1, state: 'unknown' })),
  queued: fc.tuple(by, from).map(([author, gone]) => ({ type: 'queued', by: author, since: 1, reasons: [], ...gone })),
  assigned: fc.tuple(by, agent, from, fc.constantFrom({}, { bot: true as const })).map(([author, id, gone, bot]) => ({
    type: 'assigned',
    by: author,
    agent: id,
    name: id,
    reasons: [],
    ...gone,
    ...bot,
  })),
  transferred: fc.tuple(by, agent).map(([author, id]) => ({ type: 'transferred', by: author, agent: id })),
  snoozed: by.map(author => ({ type: 'snoozed', by: author, until: 9 })),
  woken: fc.tuple(by, from).map(([author, gone]) => ({ type: 'woken', by: author, since: 1, ...gone })),
  closed: fc.tuple(by, from).map(([author, gone]) => ({ type: 'closed', by: author, reason: 'agent', ...gone })),
  reopened: by.map(author => ({ type: 'reopened', by: author })),
  updated: by.map(author => ({ type: 'updated', by: author, team: 't_1', addTags: ['vip'] })),
  note: by.map(author => ({ type: 'note', by: author, text: 'x' })),
  rated: by.map(author => ({ type: 'rated', by: author, episode: 1, score: 5 })),
  overdue: by.map(author => ({ type: 'overdue', by: author, timer: 'firstResponse', dueAt: 1, agent: 'a_1' })),
  linked: by.chain(author =>
    fc.constantFrom({ type: 'linked', by: author, person: 'p_1' } as const, { type: 'linked', by: author } as const),
  ),
}

test('a client that sees the records says of a conversation what the daemon says, whatever they are', () => {
  const kept = fc.oneof(...Object.values(RECORDS)) as fc.Arbitrary<RecordBody>
  const later = fc.oneof({ weight: 3, arbitrary: kept }, { weight: 1, arbitrary: kept.map(body => forgotten(body, 1)) })
  fc.assert(
    fc.property(fc.array(later, { maxLength: 30 }), bodies => {
      let head: Head | null = null
      let standing: Standing = { state: undefined, agent: undefined }
      for (const [at, body] of [OPENED, ...bodies].entries()) {
        const n = at + 1
        head = reduce(CONVERSATION, head, { flags: 0, seq: n, n, prev: at, at: n }, body)
        standing = standingAfter(standing, body) ?? standing
        assert.deepEqual([standing.state, standing.agent], [head.state, head.agent], `after ${body.type}`)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a record of a later version leaves a conversation where it is', () => {
  assert.equal(
    standingAfter({ state: 'active', agent: 'a_1' }, { type: 'hologram', by: { role: 'system' } }),
    undefined,
  )
})
