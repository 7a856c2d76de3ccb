import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Level } from 'level'
import { parseConversationId } from '../../src/codec/conversation-id.js'
import { feedKey, headKey, recordKey } from '../../src/codec/keys.js'
import { START } from '../../src/daemon/core/ports.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { isKefuError } from '../../src/errors.js'
import { conversationId, message, opening, queued } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Raw = Level<Uint8Array, Uint8Array>

/** What a lost or revived entry leaves of a conversation with four records, each value with a right checksum. */
const LOSSES: Readonly<Record<string, (db: Raw, conversation: Uint8Array, earlier: Uint8Array) => Promise<void>>> = {
  'the head of an earlier moment': (db, conversation, earlier) => db.put(headKey(conversation), earlier),
  'no head': (db, conversation) => db.del(headKey(conversation)),
  'no last record': (db, conversation) => db.del(recordKey(conversation, 4)),
  'no records': async (db, conversation) => {
    for (let n = 1; n <= 4; n++) await db.del(recordKey(conversation, n))
  },
  'a record after the last': async (db, conversation) => {
    const last = await db.get(recordKey(conversation, 4))
    await db.put(recordKey(conversation, 5), last as Uint8Array)
  },
}

describe('store: a conversation that is not as it was left', { concurrency: 5 }, () => {
  for (const [name, lose] of Object.entries(LOSSES))
    test(`${name}: named where it waits and where it is read, the others are served`, async t => {
      const path = join(tmpDir(t), 'store')
      const open = () => openLevelStore({ path, clock: createManualClock() })
      const ids = [1, 2, 3].map(conversationId)
      const changed = ids[1]!
      const bytes = parseConversationId(changed)
      const raw = async <T>(work: (db: Raw) => Promise<T>): Promise<T> => {
        const db: Raw = new Level(join(path, 'level'), { keyEncoding: 'view', valueEncoding: 'view' })
        const result = await work(db)
        await db.close()
        return result
      }
      const first = await open()
      for (const [i, id] of ids.entries()) await first.log.append(id, [queued(1_000 + i)], { opening: opening() })
      await first.close()
      const earlier = (await raw(db => db.get(headKey(bytes)))) as Uint8Array
      const second = await open()
      for (const id of ids) for (const key of ['a', 'b']) await second.log.append(id, [message(key)], { id: key })
      await second.close()
      await raw(db => lose(db, bytes, earlier))

      const store = await open()
      t.after(() => store.close())
      const isNamed = (error: unknown) => {
        assert.ok(isKefuError(error, 'KEFU_STORE_CORRUPT'), String(error))
        assert.match(error.message, new RegExp(changed))
        return true
      }
      await assert.rejects(store.view.waiting(10), isNamed)
      await assert.rejects(store.log.head(changed), isNamed)
      await assert.rejects(store.log.read(changed, 0, 10), isNamed)
      assert.deepEqual(
        (await store.view.waiting(1)).map(head => [head.conversation, head.n]),
        [[ids[0], 4]],
      )
      const others = await Promise.all([ids[0]!, ids[2]!].map(id => store.log.read(id, 0, 10)))
      assert.deepEqual(
        others.map(records => records.length),
        [4, 4],
      )
    })
})

/** What may be wrong with the 19th record of the log, the fifth one of the third conversation. */
const DAMAGES: Readonly<Record<string, (db: Raw, conversation: Uint8Array) => Promise<void>>> = {
  'no record': (db, conversation) => db.del(recordKey(conversation, 5)),
  'a record with a flipped bit': async (db, conversation) => {
    const record = Uint8Array.from((await db.get(recordKey(conversation, 5))) as Uint8Array)
    record[record.length - 1]! ^= 1
    await db.put(recordKey(conversation, 5), record)
  },
  'no place in the feed': db => db.del(feedKey(19)),
}

describe('store: a page of the log with a damaged record', { concurrency: 3 }, () => {
  for (const [name, damage] of Object.entries(DAMAGES))
    test(`${name}: what comes before is given first, then the damage is named`, async t => {
      const path = join(tmpDir(t), 'store')
      const first = await openLevelStore({ path, clock: createManualClock() })
      const ids = [1, 2, 3, 4].map(conversationId)
      for (const id of ids) {
        await first.log.append(id, [message('m0')], { id: 'm0', opening: opening() })
        for (let n = 1; n <= 5; n++) await first.log.append(id, [message(`m${n}`)], { id: `m${n}` })
      }
      await first.close()
      const db: Raw = new Level(join(path, 'level'), { keyEncoding: 'view', valueEncoding: 'view' })
      await damage(db, parseConversationId(ids[2]!))
      await db.close()

      const store = await openLevelStore({ path, clock: createManualClock() })
      t.after(() => store.close())
      const seqs: number[] = []
      await assert.rejects(
        async () => {
          for await (const entries of store.log.tail(START, new AbortController().signal))
            for (const { record } of entries) seqs.push(record.seq)
        },
        error => isKefuError(error, 'KEFU_STORE_CORRUPT'),
      )
      assert.deepEqual(
        seqs,
        Array.from({ length: 18 }, (_, i) => i + 1),
      )
    })
})
