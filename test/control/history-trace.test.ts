import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordBody } from '../../src/daemon/core/records.js'
import { isKefuError } from '../../src/errors.js'
import { assigned, queued, until } from '../conformance/store-bench.js'
import { answers, openHistory, says } from './history-kit.js'

const code = (wanted: string) => (error: unknown) => isKefuError(error) && error.code === wanted

type Rig = Awaited<ReturnType<typeof openHistory>>

async function states({ client }: Rig, ref: string, n: number): Promise<Record<string, string>> {
  const { steps } = await client.call('history.trace', { ref, n })
  return Object.fromEntries(steps.map(({ step, state }) => [step, state]))
}

test('a message of a contact: who got it and why, what was acknowledged and read, and what is not known', async t => {
  const rig = await openHistory(t)
  const { client, append, store, idOf } = rig
  const { agent } = await client.call('agent.add', { name: 'ann' })
  await append(1, 'v', says('发票'))
  const conversation = idOf(1, 'v')
  const fresh = { accepted: 'done', stored: 'done', pushed: 'unknown', acknowledged: 'open', sent: 'none' }
  assert.deepEqual(await states(rig, 'shop/v', 2), { ...fresh, routed: 'open', delivered: 'open', read: 'open' })
  await append(1, 'v', queued(rig.clock.now()))
  rig.clock.advance(5_000)
  await append(1, 'v', assigned(agent.id))
  await store.view.putReceipts([{ conversation, reader: 'agent', acknowledged: 2, read: 0 }])
  const got = { ...fresh, routed: 'done', pushed: 'done', acknowledged: 'done', delivered: 'done', read: 'open' }
  assert.deepEqual(await states(rig, conversation, 2), got)
  const { steps, message, text } = await client.call('history.trace', { ref: conversation, n: 2 })
  assert.deepEqual([message, text], [`${conversation}:2`, '发票'])
  const routed = steps.find(({ step }) => step === 'routed')
  assert.deepEqual([routed?.agent, routed?.at], ['ann', rig.clock.now()])
  await append(1, 'v', says('two'))
  await store.view.putReceipts([{ conversation, reader: 'agent', acknowledged: 5, read: 5 }])
  const second = await client.call('history.trace', { ref: conversation, n: 5 })
  assert.match(second.steps.find(({ step }) => step === 'routed')!.detail, /already/)
  assert.equal((await states(rig, conversation, 5)).read, 'done')
  for (const n of [1, 3, 6])
    await assert.rejects(client.call('history.trace', { ref: conversation, n }), code('KEFU_MESSAGE_NOT_FOUND'))
  await assert.rejects(client.call('history.trace', { ref: 'shop/nobody', n: 1 }), code('KEFU_CONVERSATION_NOT_FOUND'))
  await assert.rejects(client.call('history.trace', { ref: conversation, n: 0 }), code('KEFU_USAGE'))
})

test('a message through a platform: where it stands in the outbox, and what was told of it', async t => {
  const rig = await openHistory(t)
  const { store, idOf } = rig
  const conversation = idOf(1, 'p')
  const opening = { type: 'opened', channel: 1, kind: 'webhook', egress: 'outbox', contact: 'p' } as const
  const append = (...bodies: RecordBody[]) => store.log.append(conversation, bodies, { opening })
  await append(says('hi'), answers('a_1', 'one'), answers('a_1', 'two'))
  const sent = async (n: number) => {
    const { steps } = await rig.client.call('history.trace', { ref: conversation, n })
    return steps.find(({ step }) => step === 'sent')!
  }
  assert.deepEqual([(await sent(3)).state, (await sent(4)).state, (await sent(2)).state], ['open', 'open', 'none'])
  const abort = new AbortController()
  const working = store.outbox.work(
    'ch:1',
    1,
    async ({ n }) => (n === 3 ? { type: 'sent' } : { type: 'dead', reason: 'refused: 45015' }),
    abort.signal,
  )
  await until('the results', async () => (await store.outbox.totals()).get('ch:1')?.dead === 1)
  abort.abort()
  await working
  const first = await sent(3)
  assert.equal(first.state, 'done')
  assert.match(first.detail, /or an operator dropped it/)
  const second = await sent(4)
  assert.equal(second.state, 'failed')
  assert.match(second.detail, /45015/)
  await append({ type: 'delivery', by: { role: 'system' }, message: 3, state: 'failed', reason: 'blocked' })
  assert.match((await sent(3)).detail, /given up: blocked/)
  assert.equal((await sent(3)).at, rig.clock.now())
})
