import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { KEY } from '../../src/codec/keys.js'
import { formatCursor } from '../../src/daemon/core/cursor.js'
import { type OpenHandle, openHandle } from '../../src/daemon/store/level/database.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { conversationId, message, opening, queued } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const CONVERSATIONS = 300
const MESSAGES = 10

/** Notes what LevelDB is asked for: the first letter of each key or range, with `*` before it for many keys at once. */
function countingOpen(asked: string[]): OpenHandle {
  const prefixOf = (key: Uint8Array | undefined) => String.fromCharCode(key?.[0] ?? 0)
  return async (folder, limits) => {
    const handle = await openHandle(folder, limits)
    for (const name of ['get', 'getMany', 'iterator'] as const) {
      const original = handle[name].bind(handle) as (argument: unknown) => unknown
      const value = (argument: Uint8Array | Uint8Array[] | { readonly gte: Uint8Array }) => {
        if (argument instanceof Uint8Array) asked.push(prefixOf(argument))
        else if (Array.isArray(argument)) asked.push(`*${prefixOf(argument[0])}`)
        else asked.push(prefixOf(argument.gte))
        return original(argument)
      }
      Object.defineProperty(handle, name, { value })
    }
    return handle
  }
}

test('a start reads no record, and the waiting line is loaded by the page, not by the conversation', async t => {
  const path = join(tmpDir(t), 'store')
  const first = await openLevelStore({ path, clock: createManualClock() })
  await Promise.all(
    Array.from({ length: CONVERSATIONS }, async (_, i) => {
      const id = conversationId(i)
      await first.log.append(id, [queued(1_000 + i)], { opening: opening() })
      for (let m = 0; m < MESSAGES; m++) await first.log.append(id, [message(`m${m}`)], { id: `m${m}` })
    }),
  )
  await first.close()

  const asked: string[] = []
  const store = await openLevelStore({ path, clock: createManualClock() }, countingOpen(asked))
  t.after(() => store.close())
  assert.equal((await store.info()).records, CONVERSATIONS * (MESSAGES + 2))
  const [record, head] = [KEY.record, KEY.head].map(key => String.fromCharCode(key))
  assert.deepEqual(
    asked.filter(what => what.endsWith(record!) || what.endsWith(head!)),
    [],
  )
  // One page of keys of each set, and few of the feed.
  assert.ok(asked.length < 25, asked.join(' '))

  asked.length = 0
  assert.equal((await store.view.waiting(CONVERSATIONS)).length, CONVERSATIONS)
  const pages = asked.filter(what => what === String.fromCharCode(KEY.waiting)).length
  assert.ok(pages <= 4, asked.join(' '))
  assert.equal(asked.filter(what => what === `*${head}`).length, pages)
  assert.equal(asked.filter(what => what === `*${record}`).length, pages)
  assert.equal(asked.length, 3 * pages)
})

test('what is read behind the log reads the heads of a page together', async t => {
  const path = join(tmpDir(t), 'store')
  const first = await openLevelStore({ path, clock: createManualClock() })
  await Promise.all(
    Array.from({ length: CONVERSATIONS }, (_, i) =>
      first.log.append(conversationId(i), [queued(1_000 + i)], { opening: opening() }),
    ),
  )
  await first.close()

  const asked: string[] = []
  const store = await openLevelStore({ path, clock: createManualClock() }, countingOpen(asked))
  t.after(() => store.close())
  asked.length = 0
  let records = 0
  for await (const entries of store.log.tail(formatCursor(0), new AbortController().signal)) {
    for (const { record, head } of entries) assert.equal(head.conversation, record.conversation)
    records += entries.length
    if (records === 2 * CONVERSATIONS) break
  }
  const heads = asked.filter(what => what.endsWith(String.fromCharCode(KEY.head)))
  assert.ok(heads.length <= 3, asked.join(' '))
})
