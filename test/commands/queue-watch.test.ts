import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenColumns } from '../../src/commands/_cli/listing.js'
import { createOutput } from '../../src/commands/_cli/output.js'
import { displayWidth } from '../../src/commands/_cli/table.js'
import { describeTerminal } from '../../src/commands/_cli/terminal.js'
import { queueColumns } from '../../src/commands/queue/_queue/views.js'
import {
  drawnRequest,
  type QueueWatch,
  renderQueue,
  watchQueue,
  wrapped,
} from '../../src/commands/queue/_queue/watch.js'
import type { QueueRowView } from '../../src/daemon/control/client.js'
import { pageOf, type SortKey } from '../../src/daemon/control/page.js'
import { queueListRequest } from '../../src/daemon/control/queue-schemas.js'
import { KefuError } from '../../src/errors.js'

test('a drawn view asks for no more than it can show, in steps that terminals of about the same height share', () => {
  const request = { states: ['waiting' as const] }
  const limitOn = (lines: number, limit?: number) =>
    drawnRequest({ ...request, ...(limit === undefined ? {} : { limit }) }, lines, 2_000).limit
  assert.deepEqual(
    [24, 28, 29, 50, 53, 54].map(lines => limitOn(lines)),
    [25, 25, 50, 50, 50, 75],
  )
  assert.deepEqual([limitOn(24, 5), limitOn(24, 500), limitOn(1), limitOn(100_000)], [5, 25, 25, 1_000])
  for (const lines of [0, 1, 24, 100_000])
    assert.equal(queueListRequest.safeParse(drawnRequest(request, lines, 2_000)).success, true)
})

test('a view that is drawn often does not get an answer that is older than its interval', () => {
  const ageOf = (intervalMs: number) => drawnRequest({ states: ['waiting'] }, 24, intervalMs).maxAgeMs
  assert.deepEqual([ageOf(200), ageOf(1_000), ageOf(60_000)], [200, 1_000, 1_000])
})

/** What a watch tells in so many looks; `page` is asked for each page of one. */
async function changesTold(looks: number, page: (look: number, request: object) => object): Promise<string[]> {
  const told: string[] = []
  const stop = new AbortController()
  let look = 0
  const call = async (_: string, request: { readonly cursor?: string | undefined }) => {
    if (request.cursor === undefined && ++look > looks) stop.abort()
    return page(look, request)
  }
  const output = createOutput({
    stdout: { write: (text: string) => told.push(...text.trimEnd().split('\n')) },
    stderr: { write: () => undefined },
    environment: {},
    isJson: false,
    isPlain: true,
    isQuiet: true,
    noColor: true,
  })
  await watchQueue({
    control: { call } as unknown as QueueWatch['control'],
    request: { states: ['waiting'] },
    columns: () => [{ key: 'id', header: 'ID', plain: row => row.conversation }],
    output,
    intervalMs: 1,
    signal: stop.signal,
  })
  return told
}

test('what changes its place between two pages has not left', async () => {
  const turns = new Map(Array.from({ length: 2_500 }, (_, number) => [`c${String(number).padStart(4, '0')}`, number]))
  const told = await changesTold(6, (_, given) => {
    const { cursor, limit, sort = 'turn' } = given as { cursor?: string; limit: number; sort?: string }
    const keyOf = ([name, turn]: [string, number]): SortKey => [sort === 'channel' ? 'shop' : turn, name]
    const { items, ...rest } = pageOf([...turns], sort, keyOf, { limit, cursor })
    // The last becomes the most urgent.
    const [last] = [...turns].reduce((a, b) => (a[1] > b[1] ? a : b))
    turns.set(last, Math.min(...turns.values()) - 1)
    return {
      ...rest,
      conversations: items.map(([conversation]) => ({ conversation, state: 'waiting' }) as QueueRowView),
    }
  })
  assert.equal(told.length, 2_500)
  assert.deepEqual(
    told.filter(line => !line.startsWith('queued\t')),
    [],
  )
})

test('a watch outlives a daemon that restarts, and tells what has changed meanwhile', async () => {
  const told = await changesTold(4, look => {
    if (look === 2 || look === 3) throw new KefuError('KEFU_DAEMON_UNREACHABLE', { socket: 's', reason: 'r' })
    return { conversations: [{ conversation: look === 1 ? 'a' : 'b', state: 'waiting' }] }
  })
  assert.deepEqual(told, ['queued\ta', 'queued\tb', 'left\ta'])
})

const ID = 'c_6T014TAX4J9ACAKRMR6ASDAHPC'
const rowOf = (index: number): QueueRowView => ({
  conversation: ID,
  state: 'waiting',
  channel: 'site',
  contact: 'v_06H0K2NJWTERWBVYZZ9YS4NMPC',
  name: index % 2 === 0 ? '欧阳娜娜非常长的名字客户' : 'Bob',
  team: 'billing',
  priority: index === 0 ? 'urgent' : 'normal',
  waitingSince: 1_000,
  lastMessage: { by: { role: 'contact', id: 'v_1' }, at: 1_000, text: '你好，我想问一下我的订单什么时候可以发货呢？' },
  n: 2,
  at: 1_000,
})

function frameOn(width: number, lines: number, fields?: string, notes = ['every 2s', 'q quits']): Promise<string> {
  return renderQueue({
    answer: {
      totals: { waiting: 200, bot: 3, active: 25, snoozed: 1, agentsOnline: 3, oldestSince: 1_000 },
      conversations: Array.from({ length: 200 }, (_, index) => rowOf(index)),
    },
    columns: nowMs => chosenColumns(queueColumns(nowMs), fields),
    notes,
    nowMs: 4_000_000,
    terminal: describeTerminal({ isTTY: true, columns: width }, { NO_COLOR: '1' }, false),
    lines,
  })
}

test('a drawn view fits on any terminal: no line wraps, and the totals stay at the top', async () => {
  for (const width of [40, 60, 79, 80, 100, 140])
    for (const notes of [['q quits'], ['q quits', `the daemon of ${'/srv'.repeat(30)} is not running; trying again`]]) {
      const lines = (await frameOn(width, 24, undefined, notes)).trimEnd().split('\n')
      assert.equal(lines.length, 24)
      assert.match(lines[0]!, /^QUEUE {2}200 waiting/)
      for (const line of lines) assert.ok(displayWidth(line) <= width, `${width}: ${line}`)
    }
})

test('a narrow view leaves columns out, the id last, and none that was asked for', async () => {
  const headOf = async (width: number, fields?: string) =>
    (await frameOn(width, 12, fields)).split('\n').find(line => line.startsWith('WAITED') || line.startsWith('STATE'))
  assert.match((await headOf(140))!, /^WAITED +CHANNEL +CONTACT +TEAM +PRI +WHO +LAST MESSAGE +STATE +ID$/)
  assert.match((await headOf(80))!, /^WAITED +CHANNEL +CONTACT +TEAM +WHO +LAST MES… +ID$|^WAITED .*ID$/)
  assert.match(await frameOn(80, 12), new RegExp(ID))
  assert.doesNotMatch((await headOf(40))!, /ID/)
  assert.match((await headOf(30, 'state,priority,id'))!, /^STATE +PRI +ID$/)
})

test('lines above a view are counted as the terminal wraps them', () => {
  assert.deepEqual(wrapped([], 10), { text: '', height: 0 })
  assert.equal(wrapped(['', '123456789', '12345678901'], 10).height, 4)
  // Nothing ends at the edge, where clearing the rest of the line takes the last character.
  assert.deepEqual(wrapped(['1234567890'], 10), { text: '1234567890 \n', height: 2 })
  assert.equal(wrapped(['客服客服客服'], 10).height, 2)
})
