import assert from 'node:assert/strict'
import { firstDetails } from '../../src/daemon/core/conversation.js'
import { parseCursor } from '../../src/daemon/core/cursor.js'
import { START } from '../../src/daemon/core/ports.js'
import {
  assertContiguous,
  assertRefused,
  conversationId,
  fill,
  message,
  opening,
  readAll,
  type StoreCase,
  storeCase,
} from './store-bench.js'

/** Opening conversations: by the first append, once. */
export const openingCases: readonly StoreCase[] = [
  storeCase('the first append opens the conversation', async ({ store: { log } }) => {
    const id = conversationId(1)
    const result = await log.append(id, [message('a')], { id: 'a', opening: opening({ name: 'Ann' }) })
    assert.equal(result.n, 2)
    assert.equal(result.duplicate, false)
    const records = await log.read(id, 0, 10)
    assert.deepEqual(
      records.map(({ n, body }) => [n, body.type]),
      [
        [1, 'opened'],
        [2, 'message'],
      ],
    )
    const head = await log.head(id)
    assert.deepEqual(head, {
      conversation: id,
      n: 2,
      seq: parseCursor(result.cursor),
      at: result.at,
      channel: 1,
      kind: 'app',
      egress: 'socket',
      contact: 'contact-1',
      name: 'Ann',
      state: 'new',
      agent: undefined,
      waitingSince: records[0]!.at,
      unansweredSince: result.at,
      saidAt: result.at,
      details: firstDetails(records[0]!.at),
    })
  }),

  storeCase('an opening is not needed twice', async ({ store: { log } }) => {
    const id = conversationId(1)
    for (const name of ['a', 'b', 'c']) await log.append(id, [message(name)], { id: name, opening: opening() })
    const types = (await readAll(log, id)).map(record => record.body.type)
    assert.deepEqual(types, ['opened', 'message', 'message', 'message'])
  }),

  storeCase(
    'an opening alone makes the conversation, and changes nothing when it is there',
    async ({ store: { log } }) => {
      const id = conversationId(1)
      const first = await log.append(id, [], { opening: opening() })
      const [again, race] = await Promise.all([
        log.append(id, [], { opening: opening() }),
        log.append(id, [message('a')], { id: 'a' }).then(() => log.append(id, [], { opening: opening() })),
      ])
      assert.deepEqual([first.n, first.duplicate], [1, false])
      assert.deepEqual([again.n, again.duplicate], [1, true])
      assert.deepEqual([race.n, race.duplicate], [2, true])
      assert.equal((await readAll(log, id)).length, 2)
    },
  ),

  storeCase('50 first appends at once open it once', async ({ store: { log } }) => {
    const id = conversationId(1)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => log.append(id, [message(`m${i}`)], { id: `m${i}`, opening: opening() })),
    )
    const records = await readAll(log, id)
    assertContiguous(records)
    assert.equal(records.length, 51)
    assert.equal(records.filter(record => record.body.type === 'opened').length, 1)
  }),

  storeCase('without an opening there is no conversation', async ({ store: { log } }) => {
    const id = conversationId(1)
    await assertRefused(log.append(id, [message('a')], { id: 'a' }), 'KEFU_CONVERSATION_NOT_FOUND')
    assert.equal(await log.head(id), null)
    assert.deepEqual(await log.read(id, 0, 10), [])
    assert.equal(log.cursor(), START)
  }),

  storeCase('opened may come only once', async ({ store: { log } }) => {
    const id = await fill(log, 1, 2)
    await assertRefused(log.append(id, [opening()]), 'KEFU_STORE_CONFLICT')
    assert.equal((await log.head(id))?.n, 3)
  }),
]
