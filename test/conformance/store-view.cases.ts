import assert from 'node:assert/strict'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { type InboxPosition, START, type Store, type ViewPort } from '../../src/daemon/core/ports.js'
import {
  answer,
  assigned,
  conversationId,
  fill,
  message,
  queued,
  type StoreCase,
  storeCase,
  takeTail,
  turns,
} from './store-bench.js'

const WEB = { kind: 'web' } as const

/** A whole inbox, page by page. */
async function readInbox(view: ViewPort, owner: string, limit: number, after = START): Promise<InboxPosition[]> {
  const all: InboxPosition[] = []
  for (;;) {
    const before = all.at(-1)?.cursor
    const { entries, more } = await view.inbox(owner, { after, limit, ...(before === undefined ? {} : { before }) })
    all.push(...entries)
    assert.ok(all.length <= 1_000, 'pages that do not end')
    assert.ok(entries.length === limit || !more, 'a short page with more behind it')
    if (!more) return all
  }
}

const shortOf = (entries: readonly InboxPosition[]) => entries.map(({ head, cursor }) => [head.conversation, cursor])

/** Conversations with their agents: number `i` belongs to agent `i % agents`. */
async function fillAgents(store: Store, conversations: number, agents: number): Promise<ConversationId[]> {
  const ids = await Promise.all(Array.from({ length: conversations }, (_, i) => fill(store.log, i, 1, WEB)))
  for (const [i, id] of ids.entries()) await store.log.append(id, [assigned(`agent-${i % agents}`)])
  return ids
}

/** Inboxes, the waiting line, open conversations, receipts. */
export const viewCases: readonly StoreCase[] = [
  storeCase('an inbox is by last activity, newest first', async ({ store }) => {
    const ids = await fillAgents(store, 5, 1)
    const { cursor } = await store.log.append(ids[1]!, [message('x')], { id: 'x' })
    const { entries, more } = await store.view.inbox('a:agent-0', { after: START, limit: 10 })
    assert.deepEqual(
      entries.map(({ head }) => head.conversation),
      [ids[1], ids[4], ids[3], ids[2], ids[0]],
    )
    assert.equal(entries[0]?.cursor, cursor)
    assert.equal(more, false)
    for (const { head, cursor: place } of entries) {
      assert.deepEqual(head, await store.log.head(head.conversation))
      assert.equal(place, `0:${head.seq}`)
    }
  }),

  storeCase('pages of an inbox of any size join up', async ({ store }) => {
    const ids = await fillAgents(store, 30, 1)
    for (let i = 0; i < 60; i++)
      await store.log.append(ids[(i * 7) % 30]!, [answer('agent-0', `m${i}`)], { id: `m${i}` })
    const whole = await readInbox(store.view, 'a:agent-0', 1_000)
    assert.equal(whole.length, 30)
    for (const limit of [1, 2, 7, 29, 30, 31])
      assert.deepEqual(shortOf(await readInbox(store.view, 'a:agent-0', limit)), shortOf(whole))
  }),

  storeCase('an inbox ends at the cursor it is asked for', async ({ store }) => {
    const ids = await fillAgents(store, 10, 1)
    const cursor = store.log.cursor()
    assert.deepEqual(await store.view.inbox('a:agent-0', { after: cursor, limit: 10 }), { entries: [], more: false })
    await store.log.append(ids[3]!, [message('x')], { id: 'x' })
    await store.log.append(ids[7]!, [message('x')], { id: 'x' })
    await store.log.append(ids[3]!, [message('y')], { id: 'y' })
    const page = await store.view.inbox('a:agent-0', { after: cursor, limit: 10 })
    assert.deepEqual(
      page.entries.map(({ head }) => head.conversation),
      [ids[3], ids[7]],
    )
    assert.equal(page.more, false)
    assert.equal((await store.view.inbox('a:agent-0', { after: cursor, limit: 1 })).more, true)
    const older = await store.view.inbox('a:agent-0', { after: START, before: cursor, limit: 100 })
    assert.equal(older.entries.length, 7)
  }),

  storeCase('inboxes are apart, and an unknown one is empty', async ({ store }) => {
    const ids = await fillAgents(store, 9, 3)
    for (let agent = 0; agent < 3; agent++) {
      const own = await readInbox(store.view, `a:agent-${agent}`, 2)
      assert.deepEqual(
        own.map(({ head }) => head.conversation).reverse(),
        ids.filter((_, i) => i % 3 === agent),
      )
    }
    assert.deepEqual(await readInbox(store.view, 'a:agent', 5), [])
    assert.deepEqual(await readInbox(store.view, 'a:agent-00', 5), [])
  }),

  storeCase('a conversation that went to another stays where it left', async ({ store }) => {
    const ids = await fillAgents(store, 3, 1)
    const { cursor } = await store.log.append(ids[0]!, [assigned('bob')])
    await store.log.append(ids[0]!, [message('x')], { id: 'x' })
    const { cursor: last } = await store.log.append(ids[1]!, [message('x')], { id: 'x' })
    assert.deepEqual(shortOf(await readInbox(store.view, 'a:agent-0', 10)), [
      [ids[1], last],
      [ids[0], cursor],
      [ids[2], '0:9'],
    ])
    assert.equal((await readInbox(store.view, 'a:bob', 10)).length, 1)
    const [, left] = await readInbox(store.view, 'a:agent-0', 10)
    assert.deepEqual([left?.head.agent, left?.head.n], ['bob', 5])
  }),

  storeCase('a conversation that comes back is there once', async ({ store }) => {
    const [id] = await fillAgents(store, 2, 1)
    for (const agent of ['bob', 'agent-0', 'carl', 'bob']) {
      await store.log.append(id!, [assigned(agent)])
      await store.log.append(id!, [queued(5), assigned(agent)])
    }
    for (const owner of ['a:agent-0', 'a:bob', 'a:carl']) {
      const entries = await readInbox(store.view, owner, 1)
      assert.equal(entries.filter(({ head }) => head.conversation === id).length, 1)
    }
    await store.log.append(id!, [assigned('dora'), assigned('bob'), queued(7)])
    assert.equal((await readInbox(store.view, 'a:dora', 10)).length, 1)
    assert.equal((await readInbox(store.view, 'a:bob', 10)).length, 1)
    assert.equal((await store.view.activeCounts()).get('bob'), undefined)
  }),

  storeCase('app channels have an inbox, web channels none', async ({ store }) => {
    const ids = [await fill(store.log, 1, 1, { channel: 3 }), await fill(store.log, 2, 1, { channel: 3 })]
    await fill(store.log, 3, 1, { channel: 3, ...WEB })
    await fill(store.log, 4, 1, { channel: 33 })
    await store.log.append(ids[0]!, [assigned('ann')])
    const entries = await readInbox(store.view, 'ch:3', 1)
    assert.deepEqual(
      entries.map(({ head }) => head.conversation),
      ids,
    )
    assert.equal((await readInbox(store.view, 'a:ann', 1)).length, 1)
  }),

  storeCase('those who wait longest come first, in pages', async ({ store }) => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => fill(store.log, i, 1, WEB)))
    for (const [i, id] of ids.entries()) await store.log.append(id, [queued(1_000 + ((i * 7) % 10))])
    const all = await store.view.waiting(100)
    assert.equal(all.length, 20)
    assert.deepEqual(
      all.map(head => head.waitingSince),
      all.map((_, i) => 1_000 + Math.floor(i / 2)),
    )
    for (const limit of [1, 3, 20]) {
      const paged: typeof all = []
      for (;;) {
        const last = paged.at(-1)
        const page = await store.view.waiting(
          limit,
          last === undefined ? undefined : { sinceMs: last.waitingSince!, conversation: last.conversation },
        )
        paged.push(...page)
        assert.ok(paged.length <= 1_000, 'pages that do not end')
        if (page.length < limit) break
      }
      assert.deepEqual(paged, all)
    }
  }),

  storeCase('who is assigned does not wait any more, who is queued again waits at its place', async ({ store }) => {
    const [a, b] = [await fill(store.log, 1, 1, WEB), await fill(store.log, 2, 1, WEB)]
    await store.log.append(a, [queued(100)])
    await store.log.append(b, [queued(200)])
    await store.log.append(a, [assigned('ann')])
    assert.deepEqual(
      (await store.view.waiting(10)).map(head => head.conversation),
      [b],
    )
    await store.log.append(a, [queued(100)])
    assert.deepEqual(
      (await store.view.waiting(10)).map(head => head.conversation),
      [a, b],
    )
    await store.log.append(a, [queued(300)])
    assert.deepEqual(
      (await store.view.waiting(10)).map(head => head.conversation),
      [b, a],
    )
  }),

  storeCase('a conversation waits from its first record until it is assigned', async ({ store, clock }) => {
    const id = await fill(store.log, 1, 3, WEB)
    const [head] = await store.view.waiting(10)
    assert.deepEqual([head?.conversation, head?.waitingSince, head?.n], [id, clock.now(), 4])
    await store.log.append(id, [assigned('ann')])
    assert.deepEqual(await store.view.waiting(10), [])
  }),

  storeCase('open conversations are counted and listed per agent', async ({ store }) => {
    const ids = await fillAgents(store, 10, 3)
    assert.deepEqual(
      new Map(await store.view.activeCounts()),
      new Map([
        ['agent-0', 4],
        ['agent-1', 3],
        ['agent-2', 3],
      ]),
    )
    await store.log.append(ids[0]!, [assigned('agent-1')])
    await store.log.append(ids[3]!, [queued(1)])
    await store.log.append(ids[6]!, [queued(1), assigned('agent-0')])
    await store.log.append(ids[9]!, [assigned('agent-0')])
    assert.deepEqual(
      new Map(await store.view.activeCounts()),
      new Map([
        ['agent-0', 2],
        ['agent-1', 4],
        ['agent-2', 3],
      ]),
    )
    const heads = await store.view.active('agent-1', 100)
    assert.deepEqual(new Set(heads.map(head => head.conversation)), new Set([ids[0], ids[1], ids[4], ids[7]]))
    assert.ok(heads.every(head => head.agent === 'agent-1' && head.state === 'active'))
    assert.equal((await store.view.active('agent-1', 2)).length, 2)
    assert.deepEqual(await store.view.active('nobody', 5), [])
  }),

  storeCase('receipts are kept per reader', async ({ store: { view } }) => {
    const [a, b] = [conversationId(1), conversationId(2)]
    assert.equal(await view.receipt(a, 'ann'), null)
    await view.putReceipts([
      { conversation: a, reader: 'ann', acknowledged: 5, read: 3 },
      { conversation: a, reader: 'contact', acknowledged: 7, read: 7 },
      { conversation: b, reader: 'ann', acknowledged: 1, read: 0 },
    ])
    await view.putReceipts([{ conversation: a, reader: 'ann', acknowledged: 6, read: 6 }])
    await view.putReceipts([])
    assert.deepEqual(await view.receipt(a, 'ann'), { conversation: a, reader: 'ann', acknowledged: 6, read: 6 })
    assert.deepEqual((await view.receipt(b, 'ann'))?.acknowledged, 1)
    assert.equal(await view.receipt(b, 'contact'), null)
  }),

  storeCase('a view is right while the log goes on', async ({ store }) => {
    const ids = await fillAgents(store, 20, 2)
    let isWriting = true
    const writing = (async () => {
      for (let i = 0; i < 40; i++)
        await Promise.all([
          store.log.append(ids[i % 20]!, [message(`m${i}`)], { id: `m${i}` }),
          store.log.append(ids[(i * 3) % 20]!, [assigned(`agent-${i % 2}`)]),
          store.log.append(ids[(i * 7) % 20]!, [queued(i), assigned('agent-0')]),
        ])
    })().finally(() => {
      isWriting = false
    })
    while (isWriting) {
      const { entries } = await store.view.inbox('a:agent-0', { after: START, limit: 100 })
      assert.equal(new Set(entries.map(({ head }) => head.conversation)).size, entries.length)
      for (const head of await store.view.active('agent-1', 100)) assert.equal(head.agent, 'agent-1')
      await store.view.waiting(100)
      await turns(1)
    }
    await writing
    const counts = await store.view.activeCounts()
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      20,
    )
  }),

  storeCase(
    'views are the same after a restart',
    async subject => {
      const ids = await fillAgents(subject.store, 12, 3)
      await subject.store.log.append(ids[0]!, [assigned('agent-1')])
      await subject.store.log.append(ids[1]!, [queued(77)])
      await subject.store.view.putReceipts([{ conversation: ids[0]!, reader: 'r', acknowledged: 2, read: 1 }])
      const look = async ({ view, log }: Store) => ({
        inboxes: await Promise.all([0, 1, 2].map(i => readInbox(view, `a:agent-${i}`, 100))),
        waiting: await view.waiting(100),
        counts: [...(await view.activeCounts())].sort(),
        active: await view.active('agent-1', 100),
        receipt: await view.receipt(ids[0]!, 'r'),
        tail: (await takeTail(log, START, 38)).map(({ record }) => [record.conversation, record.n]),
      })
      const before = await look(subject.store)
      assert.deepEqual(await look(await subject.restart()), before)
      assert.deepEqual(await look(await subject.kill()), before)
    },
    { needs: 'restart' },
  ),
]
