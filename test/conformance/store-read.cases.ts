import assert from 'node:assert/strict'
import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import { type LogEntry, START } from '../../src/daemon/core/ports.js'
import {
  assertContiguous,
  assertRefused,
  assigned,
  conversationId,
  fill,
  message,
  readAll,
  type StoreCase,
  soon,
  storeCase,
  takeTail,
  turns,
  until,
} from './store-bench.js'

/** Reading a conversation, and reading the whole log along. */
export const readCases: readonly StoreCase[] = [
  storeCase('every page is the right part of the conversation', async ({ store: { log } }) => {
    const id = await fill(log, 1, 12)
    const all = await log.read(id, 0, 100)
    assert.equal(all.length, 13)
    assertContiguous(all)
    for (let after = 0; after <= 14; after++) {
      for (const limit of [1, 2, 5, 13, 50]) {
        const page = await log.read(id, after, limit)
        assert.deepEqual(
          page.map(({ n, seq, at, bytes }) => [n, seq, at, Buffer.from(bytes).toString('hex')]),
          all
            .slice(after, after + limit)
            .map(({ n, seq, at, bytes }) => [n, seq, at, Buffer.from(bytes).toString('hex')]),
        )
      }
    }
  }),

  storeCase('a page ends near its byte limit, with one record at least', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    await log.append(
      id,
      Array.from({ length: 20 }, () => message(undefined, 'x'.repeat(1_000))),
    )
    assert.equal((await log.read(id, 2, 100, 1)).length, 1)
    const page = await log.read(id, 2, 100, 5_000)
    assert.ok(page.length >= 4 && page.length <= 6, `${page.length} records`)
    assertContiguous(page, 3)
    assert.equal((await log.read(id, 2, 100)).length, 20)
  }),

  storeCase('small records come in pages of any byte limit', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    await log.append(
      id,
      Array.from({ length: 200 }, (_, i) => message(undefined, `${i}`)),
    )
    for (let limitBytes = 1; limitBytes < 40_000; limitBytes += 997) {
      const page = await log.read(id, 0, 500, limitBytes)
      assertContiguous(page, 1)
      assert.equal(page.length > 0, true, `nothing came within ${limitBytes} bytes`)
    }
  }),

  storeCase('1,500 records come in any page size', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    for (let i = 0; i < 15; i++)
      await log.append(
        id,
        Array.from({ length: 100 }, (_, k) => message(undefined, `text ${i * 100 + k}`)),
      )
    for (const page of [7, 500, 10_000]) {
      const records = await readAll(log, id, page)
      assert.equal(records.length, 1_502)
      assertContiguous(records)
    }
  }),

  storeCase('records are read by their positions, in the order asked for', async ({ store: { log } }) => {
    const [a, b] = [await fill(log, 1, 4), await fill(log, 2, 3)]
    const all = [...(await log.read(a, 0, 100)), ...(await log.read(b, 0, 100))]
    const wanted = [8, 2, 5, 2, 9]
    const found = await log.readAt(wanted)
    assert.deepEqual(
      found.map(({ conversation, n, seq, bytes }) => [conversation, n, seq, Buffer.from(bytes).toString('hex')]),
      wanted.map(seq => {
        const { conversation, n, bytes } = all.find(record => record.seq === seq)!
        return [conversation, n, seq, Buffer.from(bytes).toString('hex')]
      }),
    )
    assert.deepEqual(await log.readAt([]), [])
    await assertRefused(log.readAt([1, 10]), 'KEFU_STORE_CORRUPT')
  }),

  storeCase('what does not exist is empty', async ({ store: { log } }) => {
    const id = conversationId(9)
    assert.equal(await log.head(id), null)
    assert.equal(log.cachedHead(id), undefined)
    assert.deepEqual(await log.read(id, 0, 10), [])
    const other = await fill(log, 1, 1)
    assert.deepEqual(await log.read(other, 2, 10), [])
    assert.deepEqual(await log.read(other, 1_000, 10), [])
  }),

  storeCase('reading while others write gives a beginning without a hole', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    let isWriting = true
    const writer = async (name: string) => {
      for (let i = 0; i < 60; i++) await log.append(id, [message(`${name}${i}`)], { id: `${name}${i}` })
    }
    const writing = Promise.all(['a', 'b', 'c'].map(writer)).finally(() => {
      isWriting = false
    })
    let last = 0
    while (isWriting) {
      const head = await log.head(id)
      const records = await log.read(id, 0, 10_000)
      assertContiguous(records)
      assert.ok(records.length >= head!.n && head!.n >= last)
      last = records.length
      await turns(1)
    }
    await writing
    assert.equal((await readAll(log, id)).length, 182)
  }),

  storeCase('the tail has everything, in log order', async ({ store: { log } }) => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => fill(log, i, 30)))
    const entries = await takeTail(log, START, 620)
    assert.deepEqual(
      entries.map(({ record }) => record.seq),
      entries.map((_, i) => i + 1),
    )
    for (const id of ids) {
      const own = entries.filter(({ record }) => record.conversation === id).map(({ record }) => record)
      assertContiguous(own)
      assert.deepEqual(
        own.map(record => record.body),
        (await readAll(log, id)).map(record => record.body),
      )
    }
    assert.ok(entries.every(({ record, head }) => head.conversation === record.conversation && head.n >= record.n))
  }),

  storeCase('the tail goes on from every cursor', async ({ store: { log } }) => {
    await Promise.all([fill(log, 1, 20), fill(log, 2, 20)])
    for (let after = 0; after <= 42; after++) {
      const entries = await takeTail(log, formatCursor(after), 42 - after)
      assert.deepEqual(
        entries.map(({ record }) => record.seq),
        Array.from({ length: 42 - after }, (_, i) => after + i + 1),
      )
    }
  }),

  storeCase('a tail that reads along sees each record with the head as of it', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const reading = takeTail(log, log.cursor(), 90)
    await turns()
    for (let i = 0; i < 30; i++)
      await log.append(id, [message(`m${i}`), assigned(`agent-${i}`), message(`n${i}`)], { id: `m${i}` })
    const entries = await reading
    assert.deepEqual(
      entries.map(({ record }) => record.n),
      entries.map((_, i) => i + 3),
    )
    for (const { record, head } of entries) {
      assert.deepEqual([head.n, head.seq, head.at], [record.n, record.seq, record.at])
      assert.equal(head.agent, record.n === 3 ? undefined : `agent-${Math.floor((record.n - 4) / 3)}`)
    }
  }),

  storeCase('a tail is not told before the disk has it', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const abort = new AbortController()
    const acknowledged = new Set<number>()
    let isEarly = false
    const reading = (async () => {
      for await (const entries of log.tail(log.cursor(), abort.signal))
        for (const { record } of entries) if (parseCursor(log.cursor()) < record.seq) isEarly = true
    })()
    for (let i = 0; i < 50; i++) acknowledged.add((await log.append(id, [message(`m${i}`)], { id: `m${i}` })).n)
    await turns()
    abort.abort()
    await reading
    assert.equal(isEarly, false)
  }),

  storeCase('tails from anywhere meet the living end without gap or duplicate', async ({ store: { log } }) => {
    const id = await fill(log, 1, 300)
    const writing = (async () => {
      for (let i = 0; i < 100; i++)
        await Promise.all(['a', 'b', 'c'].map(name => log.append(id, [message(`${name}${i}`)], { id: `${name}${i}` })))
    })()
    const reads: Promise<LogEntry[]>[] = []
    for (let after = 0; after < 301; after += 50) {
      reads.push(takeTail(log, formatCursor(after), 601 - after))
      await turns(1)
    }
    await writing
    for (const [i, entries] of (await Promise.all(reads)).entries())
      assert.deepEqual(
        entries.map(({ record }) => record.seq),
        entries.map((_, k) => i * 50 + k + 1),
      )
  }),

  storeCase('a tail that does not pull misses nothing', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const abort = new AbortController()
    const tail = log.tail(START, abort.signal)[Symbol.asyncIterator]()
    const seqs: number[] = []
    const pull = async () => {
      const { value, done } = await soon(tail.next(), 'the next entries')
      if (done !== true) for (const { record } of value) seqs.push(record.seq)
    }
    await pull()
    for (let i = 0; i < 50; i++)
      await log.append(
        id,
        Array.from({ length: 100 }, (_, k) => message(undefined, `text ${i * 100 + k}`)),
      )
    while (seqs.length < 5_002) await pull()
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => i + 1),
    )
    abort.abort()
    await tail.return?.()
  }),

  storeCase('a tail ends with its signal, without an error', async ({ store: { log } }) => {
    await fill(log, 1, 3)
    const abort = new AbortController()
    let seen = 0
    let hasEnded = false
    const reading = (async () => {
      for await (const entries of log.tail(START, abort.signal)) seen += entries.length
      hasEnded = true
    })()
    await until('the records', () => seen === 4)
    await turns()
    assert.equal(hasEnded, false)
    abort.abort()
    await reading
    for await (const _ of log.tail(START, AbortSignal.abort())) assert.fail('a record after the end')
  }),

  storeCase('a tail takes only cursors of its log', async ({ store: { log } }) => {
    for (const cursor of ['', '1', '0:-1', '0:x', '0:01', '1:5'])
      await assertRefused(takeTail(log, cursor, 1, 100), 'KEFU_CODEC_INVALID')
  }),

  storeCase(
    'a cursor holds over a restart',
    async subject => {
      await Promise.all([fill(subject.store.log, 1, 10), fill(subject.store.log, 2, 10)])
      const before = await takeTail(subject.store.log, START, 22)
      const middle = formatCursor(11)
      const end = subject.store.log.cursor()
      const { log } = await subject.restart()
      assert.equal(log.cursor(), end)
      const after = await takeTail(log, middle, 11)
      assert.deepEqual(
        after.map(({ record }) => [record.conversation, record.n, record.seq, record.body]),
        before.slice(11).map(({ record }) => [record.conversation, record.n, record.seq, record.body]),
      )
      const next = takeTail(log, end, 1)
      await log.append(conversationId(1), [message('x')], { id: 'x' })
      assert.equal((await next)[0]?.record.seq, 23)
    },
    { needs: 'restart' },
  ),
]
