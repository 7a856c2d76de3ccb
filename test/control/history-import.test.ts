import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ImportLine } from '../../src/commands/history/_history/import-lines.js'
import { runImport } from '../../src/commands/history/_history/import-run.js'
import type { HistoryRecordView } from '../../src/daemon/control/client.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import { isKefuError } from '../../src/errors.js'
import { assertContiguous, assigned, queued } from '../conformance/store-bench.js'
import { all, answers, openHistory, says } from './history-kit.js'

type Rig = Awaited<ReturnType<typeof openHistory>>

const by = { role: 'agent', id: 'a_1', name: 'ann' } as const

/** Two conversations with everything that can happen, in turn. */
async function lived(t: TestContext): Promise<Rig> {
  const rig = await openHistory(t)
  const bodies: RecordBody[] = [
    { type: 'message', by: { role: 'contact' }, id: 'm-1', parts: [{ type: 'text', text: '你好 "1"\n😀' }] },
    queued(rig.clock.now()),
    assigned('a_1'),
    { ...answers('a_1', 'hello'), id: 'm-2' } as RecordBody,
    { type: 'note', by, text: 'careful' },
    { type: 'updated', by, addTags: ['vip'], requires: { french: 2 }, attributes: { plan: 'gold' }, name: '李雷' },
    { type: 'transferred', by, team: 't_1', note: 'please' },
    { type: 'snoozed', by, until: rig.clock.now() + 1_000 },
    { type: 'woken', by: { role: 'system' }, since: rig.clock.now(), from: 'a_1' },
    { type: 'overdue', by: { role: 'system' }, timer: 'firstResponse', dueAt: rig.clock.now() },
    { type: 'event', by: { role: 'contact' }, name: 'subscribe', data: { scene: 'qr', n: 1, yes: true } },
    { type: 'delivery', by: { role: 'system' }, message: 5, state: 'failed', reason: 'blocked' },
    { type: 'linked', by, person: 'p_1' },
    { type: 'rated', by: { role: 'contact' }, episode: 1, score: 5, comment: 'good' },
    { type: 'closed', by, reason: 'agent', asksRating: true, from: 'a_1' },
    { type: 'reopened', by },
    {
      type: 'message',
      by: { role: 'contact' },
      parts: [
        { type: 'image', media: 'md_01ABC', name: 'a.png' },
        { type: 'location', latitude: 31.2, longitude: -121.5, label: 'here' },
        { type: 'card', title: 'x', url: 'https://example.com/' },
        { type: 'choices', text: 'which?', choices: [{ id: '1', label: 'one' }] },
        { type: 'event', name: 'choice', data: { id: '1' } },
      ],
      window: { until: rig.clock.now() + 5, messages: 5 },
      writtenAt: rig.clock.now() - 5_000,
    },
  ]
  for (const body of bodies) {
    rig.clock.advance(1_234)
    await rig.append(1, 'v_1', body)
    await rig.append(2, 'user-42', body)
  }
  return rig
}

async function exported({ client }: Rig): Promise<HistoryRecordView[]> {
  const events = await all(client.stream('history.export', {}))
  return events.flatMap(event => (event.type === 'record' ? [event] : []))
}

async function* linesOf(values: readonly unknown[], isComplete = true): AsyncGenerator<ImportLine> {
  const all = [
    { type: 'export', version: 1 },
    ...values,
    ...(isComplete ? [{ type: 'end', cursor: '0:1', records: 1 }] : []),
  ]
  for (const [index, value] of all.entries()) yield { number: index + 1, value }
}

const importInto = (
  { client: control }: Rig,
  values: readonly unknown[],
  more: { dryRun?: boolean; channels?: Record<string, string> } = {},
) => runImport({ control, channels: {}, dryRun: false, ...more }, linesOf(values))

/** What of a record is the same wherever it is. */
const same = ({ n, at, channel, kind, contact, body }: HistoryRecordView) => ({ n, at, channel, kind, contact, body })

test('an export comes back with its times and numbers, in a house with another secret; repeated, nothing changes', async t => {
  const here = await lived(t)
  const records = await exported(here)
  assert.equal(records.length, 36)
  const there = await openHistory(t)
  const dry = await importInto(there, records, { dryRun: true })
  assert.deepEqual([dry.imported, dry.leftOut, (await exported(there)).length], [36, 0, 0])
  const first = await importInto(there, records)
  assert.deepEqual(first, { imported: 36, present: 0, leftOut: 0, problemCount: 0, problems: [], isComplete: true })
  const found = await exported(there)
  const order = (all: HistoryRecordView[]) =>
    all.map(same).sort((a, b) => a.contact.localeCompare(b.contact) || a.n - b.n)
  assert.deepEqual(order(found), order(records))
  assert.notEqual(found[0]!.conversation, records[0]!.conversation)
  assertContiguous(await there.store.log.read(there.idOf(1, 'v_1'), 0, 100))
  const again = await importInto(there, records)
  assert.deepEqual([again.imported, again.present, again.leftOut], [0, 36, 0])
  assert.equal((await exported(there)).length, 36)
})

test('an interrupted import goes on, and conversations that were brought in are closed: nothing follows from them', async t => {
  const records = await exported(await lived(t))
  const there = await openHistory(t)
  for (const length of [1, 7, 20, 36]) await importInto(there, records.slice(0, length))
  assert.equal((await exported(there)).length, 36)
  const head = await there.store.log.head(there.idOf(2, 'user-42'))
  assert.deepEqual(
    [head?.state, head?.agent, head?.waitingSince, head?.unansweredSince, head?.name, head?.at],
    ['closed', undefined, undefined, undefined, '李雷', records.at(-1)!.at],
  )
  assert.deepEqual(await there.store.view.waiting(10), [])
  await there.append(2, 'user-42', says('back again'))
  const back = await there.store.log.head(there.idOf(2, 'user-42'))
  assert.deepEqual([back?.n, back?.state], [19, 'new'])
})

test('what agents wrote through a platform does not go out once more', async t => {
  const here = await openHistory(t)
  const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'outbox', contact: 'v' } as const
  await here.store.log.append(here.idOf(1, 'v'), [opening, says('hi'), answers('a_1', 'sent long ago')], {
    times: [1_000, 2_000, 3_000],
  })
  assert.deepEqual((await here.store.outbox.rows({ limit: 10 })).rows, [])
  const [record] = await here.store.log.read(here.idOf(1, 'v'), 2, 1)
  assert.deepEqual([record?.at, record?.isImported], [3_000, true])
})

test('conflicts are named and left out, the rest comes in', async t => {
  const records = await exported(await lived(t))
  const there = await openHistory(t)
  await there.append(1, 'v_1', says('somebody else'))
  const one = await importInto(there, records)
  assert.deepEqual([one.imported, one.leftOut, one.problemCount], [18, 18, 1])
  assert.match(JSON.stringify(one.problems), /another record has its number here/)
  const gap = await importInto(
    await openHistory(t),
    records.filter(({ n }) => n !== 3),
  )
  assert.deepEqual([gap.imported, gap.leftOut], [4, 30])
  assert.match(JSON.stringify(gap.problems), /record 3 is the next one here/)
  // The beginning came in; then somebody wrote, and it is open.
  const open = await openHistory(t)
  await importInto(open, records.slice(0, 4))
  await open.append(1, 'v_1', says('live'))
  const later = await importInto(open, records)
  assert.equal(later.leftOut, 16)
  assert.equal((await open.store.log.head(open.idOf(1, 'v_1')))?.n, 3)
})

test('what was forgotten does not come back with an older export', async t => {
  const here = await lived(t)
  const records = await exported(here)
  const conversation = here.idOf(1, 'v_1')
  const { n } = (await here.store.log.head(conversation))!
  await here.store.eraser.forget([{ conversation, upTo: n }])
  const result = await importInto(here, records)
  assert.deepEqual([result.imported, result.present, result.leftOut], [0, 18, 18])
  assert.equal(JSON.stringify(await exported(here)).split('你好').length, 2)
})

test('channels are found by name, or by the names that are given', async t => {
  const records = (await exported(await lived(t))).map(record => ({ ...record, channel: `old-${record.channel}` }))
  const there = await openHistory(t)
  const none = await importInto(there, records)
  assert.deepEqual([none.imported, none.leftOut], [0, 36])
  assert.match(JSON.stringify(none.problems[0]), /there is no channel \\"old-shop\\"/)
  const mapped = await importInto(there, records, { channels: { 'old-shop': 'shop', 'old-app': 'shop' } })
  assert.deepEqual([mapped.imported, mapped.leftOut], [18, 18])
  assert.match(JSON.stringify(mapped.problems[0]), /of kind web, not app/)
})

test('no line is believed', async t => {
  const there = await openHistory(t)
  const good = { type: 'record', conversation: 'c', n: 1, at: 5, channel: 'shop', kind: 'web', contact: 'v' }
  const opened = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'v' }
  const lines: unknown[] = [
    null,
    [],
    'text',
    { ...good, body: { type: 'nonsense' } },
    { ...good, body: { ...opened, evil: true } },
    { ...good, body: { ...opened, contact: 'other' } },
    { ...good, n: 0, body: opened },
    { ...good, at: -1, body: opened },
    { ...good, at: 1e300, body: opened },
    { ...good, n: 2, body: opened },
    { ...good, body: says('first') },
    { ...good, kind: 'telepathy', body: opened },
    { ...good, contact: 'a\u0000b', body: opened },
    { ...good, forgotten: true, body: opened },
    { ...good, body: { ...says('x'), parts: [{ type: 'text', text: '\ud83d' }] }, n: 2 },
    JSON.parse('{"type":"record","__proto__":{"n":1}}'),
  ]
  const result = await importInto(there, lines)
  assert.deepEqual([result.imported, result.leftOut, result.problemCount], [0, lines.length, lines.length])
  assert.deepEqual(
    result.problems.map(problem => ('line' in problem ? problem.line : 0)),
    lines.map((_, i) => i + 2),
  )
  const large = { ...good, n: 2, body: says('长'.repeat(6_000)) }
  const tooLarge = await importInto(there, [{ ...good, body: opened }, large])
  assert.deepEqual([tooLarge.imported, tooLarge.leftOut], [0, 2])
  const usage = (error: unknown) => isKefuError(error, 'KEFU_USAGE')
  for (const head of [
    { type: 'export', version: 1, redacted: ['phone'] },
    { type: 'export', version: 2 },
  ])
    await assert.rejects(importInto(there, [head]), usage)
})
