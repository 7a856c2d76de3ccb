import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { OutboxJob, OutboxResult } from '../../src/daemon/core/ports.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../src/errors.js'
import { answer, conversationId, fill, turns, until } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { openRig } from './harness.js'

const DEAD: OutboxResult = { type: 'dead', reason: 'refused: 45015' }

/** A control socket, an app channel `wechat` with number 1, and conversations of channels with these numbers, of three answers each. */
async function openOutbox(t: TestContext, channels: readonly number[]) {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const rig = await openRig(t, { outbox: store.outbox, records: store.log })
  await rig.client.call('channel.add', { kind: 'app', name: 'wechat' })
  const ids = await Promise.all(
    channels.map((channel, i) => fill(store.log, i, 1, { channel, egress: 'outbox', contact: `contact-${i}` })),
  )
  for (let k = 3; k < 6; k++) for (const id of ids) await store.log.append(id, [answer('ann', `${k}`, `answer ${k}`)])
  const send = async (channel: number, results: (job: OutboxJob) => OutboxResult, count: number) => {
    const abort = new AbortController()
    let sent = 0
    const working = store.outbox.work(
      `ch:${channel}`,
      1,
      async job => {
        sent++
        return results(job)
      },
      abort.signal,
    )
    await until('the results', () => sent === count)
    await turns()
    abort.abort()
    await working
  }
  return { ...rig, clock, store, ids, send }
}

const code = (wanted: string) => (error: unknown) => isKefuError(error) && error.code === wanted

test('outbox.list: rows with names and the beginning of the text, totals, by channel and state, in pages', async t => {
  const { client, clock, ids, send } = await openOutbox(t, [1, 7])
  const retry = { type: 'retry', retryMs: 60_000, reason: 'busy' } as const
  await send(1, ({ n }) => (n === 3 ? DEAD : retry), 2)
  await send(7, () => ({ type: 'park' }), 1)
  const all = await client.call('outbox.list', {})
  assert.deepEqual(all.totals, { due: 3, retrying: 1, sending: 0, parked: 1, unknown: 0, dead: 1 })
  const [dead] = all.messages
  const row = { id: `${ids[0]}:3`, conversation: ids[0], n: 3, channel: 'wechat', contact: 'contact-0', attempts: 1 }
  assert.deepEqual(dead, { ...row, state: 'dead', reason: 'refused: 45015', at: dead!.at, text: 'answer 3' })
  const words = all.messages.map(({ channel, n, state, retryAt }) => [channel, n, state, retryAt])
  assert.deepEqual(words, [
    ['wechat', 3, 'dead', undefined],
    ['7', 3, 'parked', undefined],
    ['wechat', 4, 'retrying', clock.now() + 60_000],
    ['7', 4, 'due', undefined],
    ['wechat', 5, 'due', undefined],
    ['7', 5, 'due', undefined],
  ])
  const some = await client.call('outbox.list', { channel: 'wechat', states: ['dead', 'due'] })
  assert.deepEqual([some.messages.map(({ n }) => n), some.totals.parked, some.totals.due], [[3, 5], 0, 1])
  const first = await client.call('outbox.list', { states: ['due'], limit: 2 })
  assert.deepEqual(
    first.messages.map(({ n }) => n),
    [4, 5],
  )
  const second = await client.call('outbox.list', { states: ['due'], limit: 2, cursor: first.next })
  assert.deepEqual([second.messages.map(({ channel, n }) => [channel, n]), second.next], [[['7', 5]], undefined])
  const removed = await client.call('outbox.list', { channel: '7' })
  assert.equal(removed.messages.length, 3)
  await assert.rejects(client.call('outbox.list', { channel: '8' }), code('KEFU_CHANNEL_NOT_FOUND'))
  await assert.rejects(client.call('outbox.list', { channel: 'nobody' }), code('KEFU_CHANNEL_NOT_FOUND'))
  await assert.rejects(client.call('outbox.list', { cursor: 'of another list' }), code('KEFU_USAGE'))
})

test('outbox.retry and outbox.drop: each message has its own outcome, and what was done is in the log once', async t => {
  const { client, ids, send, logged, store } = await openOutbox(t, [1, 7])
  const [own, removed] = ids as [ConversationId, ConversationId]
  await send(1, ({ n }) => (n === 4 ? { type: 'unknown' } : DEAD), 3)
  await send(7, () => DEAD, 3)
  const messages = [`${own}:5`, `${own}:4`, `${own}:3`, `${own}:9`, `${removed}:3`, `${conversationId(9)}:1`]
  const { messages: done } = await client.call('outbox.retry', { messages: [...messages, `${own}:3`] })
  assert.deepEqual(
    done.map(({ id, changed, error }) => [id, changed, error?.code]),
    [
      [`${own}:5`, true, undefined],
      [`${own}:4`, false, 'KEFU_OUTBOX_UNKNOWN'],
      [`${own}:3`, true, undefined],
      [`${own}:9`, false, 'KEFU_OUTBOX_NOT_FOUND'],
      [`${removed}:3`, false, 'KEFU_CHANNEL_NOT_FOUND'],
      [`${conversationId(9)}:1`, false, 'KEFU_OUTBOX_NOT_FOUND'],
    ],
  )
  assert.match(done[1]!.error!.hint, new RegExp(`kefu outbox retry ${own}:4 --unknown`))
  const sent: number[] = []
  await send(
    1,
    ({ n }) => {
      sent.push(n)
      return { type: 'sent' }
    },
    2,
  )
  assert.deepEqual(sent, [3, 5])

  const dropped = await client.call('outbox.drop', { messages: [`${removed}:3`, `${own}:4`, `${own}:3`, `${own}:2`] })
  assert.deepEqual(
    dropped.messages.map(({ changed, error }) => [changed, error?.code]),
    [
      [true, undefined],
      [true, undefined],
      [false, undefined],
      [false, 'KEFU_OUTBOX_NOT_FOUND'],
    ],
  )
  await client.call('outbox.drop', { messages: [`${removed}:3`] })
  const { rows } = await store.outbox.rows({ limit: 10 })
  assert.deepEqual(
    rows.map(({ conversation, n }) => `${conversation}:${n}`),
    [`${removed}:4`, `${removed}:5`],
  )
  const lines = logged.map(line => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines
      .filter(({ event }) => String(event).startsWith('outbox.'))
      .map(({ event, by, messages }) => [event, by, messages]),
    [
      ['outbox.retried', 'operator', [`${own}:5`, `${own}:3`]],
      ['outbox.dropped', 'operator', [`${removed}:3`, `${own}:4`]],
    ],
  )
})

test('outbox.retry: those of one conversation go in their order, whatever the order of the request', async t => {
  const { client, ids, send } = await openOutbox(t, [1])
  await send(1, () => DEAD, 3)
  const sent: number[] = []
  const working = send(
    1,
    ({ n }) => {
      sent.push(n)
      return { type: 'sent' }
    },
    3,
  )
  await client.call('outbox.retry', { messages: [5, 3, 4].map(n => `${ids[0]}:${n}`) })
  await working
  assert.deepEqual(sent, [3, 4, 5])
})

test('outbox.retry and outbox.drop take ids of messages, a hundred at most', async t => {
  const { client, ids } = await openOutbox(t, [1])
  const id = ids[0]!
  for (const messages of [
    [],
    [id],
    [`${id}:0`],
    [`${id}:01`],
    [`${id}:-1`],
    [`${id}:3:3`],
    [`${id}:9999999999999999`],
    ['c_short:3'],
    Array.from({ length: 101 }, (_, i) => `${id}:${i + 1}`),
  ])
    for (const operation of ['outbox.retry', 'outbox.drop'] as const)
      await assert.rejects(client.call(operation, { messages }), (error: unknown) => {
        assert.ok(isKefuError(error) && error.exit === 2, `${messages}: ${error}`)
        return true
      })
})
