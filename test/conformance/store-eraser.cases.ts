import assert from 'node:assert/strict'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { Head } from '../../src/daemon/core/model.js'
import { type EraserPort, START, type Store } from '../../src/daemon/core/ports.js'
import { type RecordBody, SYSTEM } from '../../src/daemon/core/records.js'
import {
  answer,
  assertContiguous,
  assertRefused,
  assigned,
  conversationId,
  fill,
  message,
  opening,
  queued,
  readAll,
  type StoreCase,
  storeCase,
  takeTail,
} from './store-bench.js'

const NOBODY = new AbortController().signal

/** What a conversation says of its contact, and everything else that it consists of. */
const TALK: readonly RecordBody[] = [
  message('c-1', 'secret one'),
  queued(5),
  assigned('ann'),
  answer('ann', 'a-1', 'secret two'),
  {
    type: 'updated',
    by: SYSTEM,
    name: 'secret three',
    subject: 'secret four',
    addTags: ['secret five'],
    attributes: { phone: 'secret six' },
    language: 'zh',
    priority: 'high',
  },
  { type: 'note', by: SYSTEM, text: 'secret seven' },
  { type: 'event', by: { role: 'contact', name: 'secret eight' }, name: 'followed', data: { key: 'secret nine' } },
  { type: 'transferred', by: SYSTEM, agent: 'ben', note: 'secret ten' },
  { type: 'linked', by: SYSTEM, person: 'p_secret' },
  { type: 'rated', by: { role: 'contact' }, episode: 1, score: 5, comment: 'secret eleven' },
  { type: 'delivery', by: SYSTEM, message: 2, state: 'failed', reason: 'secret twelve' },
  { type: 'closed', by: SYSTEM, reason: 'agent', from: 'ann' },
]

async function talk(store: Store, number: number): Promise<ConversationId> {
  const id = conversationId(number)
  await store.log.append(id, TALK, { opening: opening({ contact: 'secret contact', name: 'secret name' }) })
  return id
}

/** All of a conversation, and what others got of it while the store lived. */
async function everythingOf(store: Store, id: ConversationId): Promise<string> {
  const records = await readAll(store.log, id)
  const tail = await takeTail(store.log, START, records.length)
  const bytes = records.map(record => Buffer.from(record.bytes).toString('latin1'))
  const heads = [await store.log.head(id), store.log.cachedHead(id), ...tail.map(({ head }) => head)]
  return JSON.stringify([records.map(({ body }) => body), tail.map(({ record }) => record.body), bytes, heads])
}

function standing(head: Head | null): unknown {
  const { n, seq, at, state, agent, waitingSince, unansweredSince, saidAt, details } = head!
  const { episode, priority, rating, lastAgent, answeredAt } = details
  return {
    n,
    seq,
    at,
    state,
    agent,
    waitingSince,
    unansweredSince,
    saidAt,
    episode,
    priority,
    rating,
    lastAgent,
    answeredAt,
  }
}

/** Forgetting: what `EraserPort` promises. */
export const eraserCases: readonly StoreCase[] = [
  storeCase('what is forgotten is given to nobody, and numbers, places and times stay', async ({ store, clock }) => {
    const id = await talk(store, 1)
    const before = await readAll(store.log, id)
    clock.advance(1_000)
    assert.equal(await store.eraser.forget([{ conversation: id, upTo: before.length }]), before.length)
    const after = await readAll(store.log, id)
    assertContiguous(after)
    assert.deepEqual(
      after.map(({ n, seq, at }) => [n, seq, at]),
      before.map(({ n, seq, at }) => [n, seq, at]),
    )
    for (const [i, { body, isInternal }] of after.entries()) {
      assert.ok(body.type === 'forgotten')
      assert.deepEqual([body.was, body.at, isInternal], [before[i]!.body.type, clock.now(), true])
    }
    assert.doesNotMatch(await everythingOf(store, id), /secret/)
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase('a conversation stands where it stood, with nobody', async ({ store }) => {
    const id = await talk(store, 1)
    const before = await store.log.head(id)
    await store.eraser.forget([{ conversation: id, upTo: before!.n }])
    const after = await store.log.head(id)
    assert.deepEqual(standing(after), standing(before))
    assert.deepEqual([after?.contact, after?.name, after?.details.attributes], ['', undefined, {}])
    assert.deepEqual([after?.details.tags, after?.details.subject, after?.details.person], [[], undefined, undefined])
  }),

  storeCase('who writes again begins anew, in the same numbers', async ({ store }) => {
    const id = await talk(store, 1)
    const { n } = (await store.log.head(id))!
    await store.eraser.forget([{ conversation: id, upTo: n }])
    await assertRefused(store.log.append(id, [message('c-2')], { id: 'c-2' }), 'KEFU_CONVERSATION_NOT_FOUND')
    const again = await store.log.append(id, [message('c-2')], { id: 'c-2', opening: opening({ contact: 'again' }) })
    assert.equal(again.n, n + 2)
    const head = await store.log.head(id)
    assert.deepEqual([head?.contact, head?.state, head?.details.episode], ['again', 'new', 2])
    assert.equal((await readAll(store.log, id)).at(-2)?.body.type, 'opened')
    // The same call again, late: what was said since is not its own.
    assert.equal(await store.eraser.forget([{ conversation: id, upTo: n }]), 0)
    assert.equal((await store.log.head(id))?.contact, 'again')
    assert.equal(await store.eraser.forget([{ conversation: id, upTo: n + 2 }]), 2)
    assert.deepEqual([(await store.log.head(id))?.contact, (await store.log.head(id))?.n], ['', n + 2])
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase('nothing is forgotten that was said after the look', async ({ store }) => {
    const id = await talk(store, 1)
    const { n } = (await store.log.head(id))!
    await store.log.append(id, [message('c-2', 'secret later')])
    await assertRefused(store.eraser.forget([{ conversation: id, upTo: n }]), 'KEFU_STORE_CONFLICT')
    assert.match(await everythingOf(store, id), /secret later/)
    const nobody = conversationId(99)
    await assertRefused(store.eraser.forget([{ conversation: nobody, upTo: 1 }]), 'KEFU_CONVERSATION_NOT_FOUND')
  }),

  storeCase('single records: the rest stays, and so does everything that is known', async ({ store }) => {
    const id = await talk(store, 1)
    const before = await store.log.head(id)
    const types = (await readAll(store.log, id)).map(({ body }) => body.type)
    const chosen = [types.indexOf('message') + 1, types.indexOf('note') + 1, types.indexOf('event') + 1]
    assert.equal(await store.eraser.forget([{ conversation: id, records: chosen }]), 3)
    assert.deepEqual(await store.log.head(id), before)
    const after = await readAll(store.log, id)
    assert.deepEqual(
      after.filter(({ body }) => body.type === 'forgotten').map(({ n }) => n),
      chosen,
    )
    assert.doesNotMatch(await everythingOf(store, id), /secret (one|seven|eight|nine)/)
    assert.match(await everythingOf(store, id), /secret two/)
    assert.equal(await store.eraser.forget([{ conversation: id, records: chosen }]), 0)
    await assertRefused(store.eraser.forget([{ conversation: id, records: [1] }]), 'KEFU_INTERNAL')
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase('others go on writing meanwhile, and lose nothing', async ({ store }) => {
    const ids = await Promise.all([1, 2, 3].map(number => fill(store.log, number, 600)))
    const forgotten: Promise<number>[] = []
    const appends: Promise<unknown>[] = []
    for (let round = 0; round < 20; round++) {
      const [own, ...others] = ids
      for (const id of others) appends.push(store.log.append(id, [message(`r-${round}`)], { id: `r-${round}` }))
      if (round === 3) forgotten.push(store.eraser.forget([{ conversation: own!, upTo: 601 }]))
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.deepEqual(await Promise.all(forgotten), [601])
    await Promise.all(appends)
    for (const id of ids.slice(1)) assert.equal((await store.log.head(id))?.n, 621)
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase('repetitions of others are still known, those of what is forgotten are not', async ({ store }) => {
    const id = await fill(store.log, 1, 100)
    const send = (name: string) => store.log.append(id, [message(name)], { id: name })
    await store.eraser.forget([{ conversation: id, records: [99, 100] }])
    assert.deepEqual([(await send('c1-99')).duplicate, (await send('c1-37')).duplicate], [true, true])
    assert.deepEqual([(await send('c1-35')).duplicate, (await send('c1-97')).duplicate], [false, false])
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase('a redelivery of what is forgotten does not bring it back', async ({ store }) => {
    const id = conversationId(1)
    const options = { platformKey: 'k-1', opening: opening() }
    const first = await store.log.append(id, [message()], options)
    await store.eraser.forget([{ conversation: id, upTo: first.n }])
    assert.deepEqual(await store.log.append(id, [message()], options), { ...first, duplicate: true })
    assert.equal((await store.log.head(id))?.n, first.n)
  }),

  storeCase('the rest can be expunged, also when nothing was forgotten', async ({ store }) => {
    const id = await talk(store, 1)
    await store.eraser.expunge('all', NOBODY)
    await store.eraser.forget([{ conversation: id, upTo: (await store.log.head(id))!.n }])
    await store.eraser.expunge([id], NOBODY)
    assert.deepEqual((await store.check({ deep: true })).findings, [])
    const abort = AbortSignal.abort()
    await assertRefused(store.eraser.expunge('all', abort), 'KEFU_ABORTED')
  }),

  storeCase(
    'what is forgotten stays so over a restart and a kill, and the same call again does what is left',
    async subject => {
      const id = await talk(subject.store, 1)
      const half = await talk(subject.store, 2)
      const { n } = (await subject.store.log.head(id))!
      await forgetAll(subject.store.eraser, id, n)
      for (const open of [() => subject.kill(), () => subject.restart()]) {
        const store = await open()
        assert.equal((await store.log.head(id))?.contact, '')
        assert.deepEqual((await store.check({ deep: true })).findings, [])
        assert.equal(await store.eraser.forget([{ conversation: id, upTo: n }]), 0)
        assert.match(JSON.stringify((await readAll(store.log, half)).map(({ body }) => body)), /secret one/)
      }
    },
    { needs: 'restart' },
  ),
]

async function forgetAll(eraser: EraserPort, conversation: ConversationId, upTo: number): Promise<void> {
  await eraser.forget([{ conversation, upTo }])
  await eraser.expunge([conversation], NOBODY)
}
