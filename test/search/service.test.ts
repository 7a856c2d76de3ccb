import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { Part } from '../../src/codec/wire.js'
import { parseCursor } from '../../src/daemon/core/cursor.js'
import type { LogPort } from '../../src/daemon/core/ports.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import type { SearchDoc, SearchRequest } from '../../src/daemon/core/search.js'
import { scanDocs } from '../../src/daemon/search/query/brute.js'
import { docOf } from '../../src/daemon/search/query/doc.js'
import { parseQuery } from '../../src/daemon/search/query/parse.js'
import { conversationId, opening } from '../conformance/store-bench.js'
import { Random } from '../helpers/random.js'
import { until } from '../helpers/until.js'
import { allHits, createHoldingClock, openSearchRig, type SearchRig } from './rig.js'

const NEVER = new AbortController().signal
const WORDS = ['退款', '订单', 'order', 'Refund', '20261101', '👍', 'ＡＢＣ', 'abc', '客服']

const everything: SearchRequest = { words: '', filter: {}, order: 'newest' }

function say(log: LogPort, conversation: ConversationId, text: string | readonly Part[], agent?: string) {
  const parts = typeof text === 'string' ? [{ type: 'text', text } as const] : text
  const by = agent === undefined ? ({ role: 'contact' } as const) : ({ role: 'agent', id: agent, name: 'Li' } as const)
  return log.append(conversation, [{ type: 'message', by, parts }], { opening: opening() })
}

async function found({ search }: SearchRig, words: string, rest: Partial<SearchRequest> = {}): Promise<string[]> {
  const { hits } = await search.search({ ...everything, words, ...rest }, { limit: 100, context: 0 }, NEVER)
  return hits.map(({ text }) => text)
}

/** What a scan of all records up to a position finds, as positions. */
async function scanned({ store: { log } }: SearchRig, request: SearchRequest, last: number): Promise<number[]> {
  const docs: SearchDoc[] = []
  for (const record of await log.readAt(Array.from({ length: last }, (_, i) => i + 1))) {
    const head = await log.head(record.conversation)
    const doc = head && docOf(record, head)
    if (doc) docs.push(doc)
  }
  const { filter, order } = request
  const query = { text: parseQuery(request.words), filter, order, limit: docs.length + 1 }
  return scanDocs(docs, query).hits.map(({ seq }) => seq)
}

const lastOf = ({ store }: SearchRig): number => parseCursor(store.log.cursor())

function randomText(random: Random): string {
  return Array.from({ length: random.integer(1, 4) }, () => random.pick(WORDS)).join(random.pick(['', ' ', '-']))
}

function randomRequest(random: Random): SearchRequest {
  const [one, other] = [random.pick(WORDS), random.pick(WORDS)]
  return {
    words: random.pick([
      one,
      `${one} ${other}`,
      `${one} OR ${other}`,
      `${one} -${other}`,
      `"${one}"`,
      '/[0-9]{3}/',
      '',
    ]),
    filter: random.pick([{}, {}, { conversations: [conversationId(1)] }, { directions: ['out'] }]),
    order: random.pick(['newest', 'oldest']),
  }
}

describe('the search of a log', () => {
  test('finds what was acknowledged, at once', async t => {
    const rig = openSearchRig(t)
    for (let i = 0; i < 50; i++) {
      await say(rig.store.log, conversationId(i % 3), `number ${i} 你好`)
      assert.deepEqual(await found(rig, `"number ${i} "`), [`number ${i} 你好`])
    }
    assert.equal((await rig.search.count({ words: '好', filter: {} }, NEVER)).count, 50)
    assert.equal(rig.search.status().state, 'ready')
  })

  test('agrees with a scan while messages are written and threads end', { timeout: 120_000 }, async t => {
    const rig = openSearchRig(t)
    const random = new Random(7)
    let isWriting = true
    const writing = (async () => {
      for (let i = 0; i < 1_500; i++)
        await say(rig.store.log, conversationId(i % 5), randomText(random), i % 4 ? undefined : 'a_1')
      isWriting = false
    })()
    let rounds = 0
    while (isWriting || rounds < 60) {
      const request = randomRequest(random)
      const last = lastOf(rig)
      const limit = random.pick([3, 20, 200])
      if (rounds++ % 15 === 7) await rig.threads.at(-1)!.terminate()
      const seqs = (await allHits(rig.search, request, limit)).filter(seq => seq <= last)
      assert.deepEqual(seqs, await scanned(rig, request, last), JSON.stringify(request))
      const { count, next } = await rig.search.count(request, NEVER)
      assert.equal(next, undefined)
      assert.ok(count >= seqs.length)
    }
    await writing
    assert.ok(rig.threads.length > 3 && rig.events.includes('search.thread-ended'))
  })

  test('goes on where it was after a restart, and knows the index of another log', async t => {
    const first = openSearchRig(t)
    for (let i = 0; i < 20; i++) await say(first.store.log, conversationId(1), `text ${i}`)
    assert.equal((await found(first, 'text')).length, 20)
    await first.search.close()
    const fed: number[] = []
    const again = openSearchRig(t, {
      path: first.path,
      store: first.store,
      onPost: message => void (message.type === 'feed' && fed.push(message.upTo)),
    })
    await say(again.store.log, conversationId(1), 'text 20')
    assert.equal((await found(again, 'text')).length, 21)
    assert.deepEqual(fed, [lastOf(again)])
    await again.search.close()

    const other = openSearchRig(t, { path: first.path })
    await say(other.store.log, conversationId(2), 'other text')
    assert.deepEqual(await found(other, 'text'), ['other text'])
    await until('all is indexed', () => other.search.status().lag === 0)
    assert.equal(other.search.status().docs, 1)
  })

  test('an index that is ahead of its log is built anew', async t => {
    const first = openSearchRig(t)
    const append = async (log: LogPort, count: number) => {
      for (let i = 0; i < count; i++) await say(log, conversationId(1), `text ${i}`)
    }
    await append(first.store.log, 20)
    await found(first, 'text')
    await first.search.close()
    const shorter = { cursor: () => '0:6', readAt: first.store.log.readAt.bind(first.store.log) }
    const rig = openSearchRig(t, {
      path: first.path,
      store: first.store,
      log: log => ({
        ...shorter,
        tail: async function* (after, signal) {
          for await (const entries of log.tail(after, signal)) yield entries.filter(({ record }) => record.seq <= 6)
        },
      }),
    })
    assert.equal((await found(rig, 'text')).length, 5)
    assert.ok(rig.events.includes('search.index-discarded'))
  })

  test('is built again on demand, and finds everything meanwhile', async t => {
    const rig = openSearchRig(t)
    for (let i = 0; i < 300; i++) await say(rig.store.log, conversationId(1), `text ${i}`)
    const seen: number[] = []
    const [, ...counts] = await Promise.all([
      rig.search.reindex(),
      ...Array.from({ length: 5 }, async () =>
        seen.push((await allHits(rig.search, { ...everything, words: 'text' }, 100)).length),
      ),
    ])
    assert.equal(counts.length, 5)
    assert.deepEqual(seen, [300, 300, 300, 300, 300])
    await until('it is complete', () => rig.search.status().lag === 0)
    assert.equal(rig.search.status().docs, 300)
  })

  test('is thrown away while segments are written, and no thread dies of it', { timeout: 60_000 }, async t => {
    const rig = openSearchRig(t)
    const texts = Array.from({ length: 20_000 }, (_, i) => `text ${i} ${'订单'.repeat(i % 7)}`)
    for (let at = 0; at < texts.length; at += 500)
      await rig.store.log.append(
        conversationId(1),
        texts
          .slice(at, at + 500)
          .map(text => ({ type: 'message', by: { role: 'contact' }, parts: [{ type: 'text', text }] })),
        { opening: opening() },
      )
    for (let round = 0; round < 4; round++) {
      await until('some are indexed', () => rig.search.status().docs > 17_000)
      await rig.search.reindex()
    }
    assert.equal((await rig.search.count({ words: '"text 1999"', filter: {} }, NEVER)).count, 11)
    assert.deepEqual(rig.events, [])
    assert.equal(rig.threads.length, 1)
  })

  test('a damaged index is built anew by itself, and nobody is told anything wrong', async t => {
    let isDamaged = false
    const rig = openSearchRig(t, {
      hear: message => {
        if (!isDamaged || message.type !== 'answer') return message
        isDamaged = false
        return { type: 'failed', id: message.id, failure: { code: 'KEFU_SEARCH_DAMAGED', detail: { where: 'x' } } }
      },
    })
    for (let i = 0; i < 30; i++) await say(rig.store.log, conversationId(1), `text ${i}`)
    for (const order of ['newest', 'oldest'] as const) {
      await until('it is complete', () => rig.search.status().lag === 0)
      isDamaged = true
      assert.equal((await found(rig, 'text', { order })).length, 30)
    }
    assert.equal(rig.events.filter(event => event === 'search.index-discarded').length, 2)
  })

  test('by what a conversation has now: tags and team', async t => {
    const rig = openSearchRig(t)
    const { log } = rig.store
    const update = (n: number, body: Partial<RecordBody>) =>
      log.append(conversationId(n), [{ type: 'updated', by: { role: 'operator' }, ...body } as RecordBody])
    for (let n = 1; n <= 4; n++) await say(log, conversationId(n), `from ${n}`)
    await update(1, { addTags: ['vip', 'late'] } as never)
    await update(2, { addTags: ['vip2', 'vip'] } as never)
    await update(2, { removeTags: ['vip'] } as never)
    await update(3, { addTags: ['vip'], team: 't_1' } as never)
    const tagged = (...tags: string[]) => found(rig, 'from', { standing: { tags } })
    assert.deepEqual(await tagged('vip'), ['from 3', 'from 1'])
    assert.deepEqual(await tagged('vip', 'late'), ['from 1'])
    assert.deepEqual(await tagged('vip2'), ['from 2'])
    assert.deepEqual(await tagged('none'), [])
    assert.deepEqual(await found(rig, 'from', { standing: { team: 't_1' } }), ['from 3'])
    const some = { conversations: [conversationId(1), conversationId(2)] }
    assert.deepEqual(await found(rig, 'from', { standing: { tags: ['vip'] }, filter: some }), ['from 1'])
    assert.equal((await rig.search.count({ words: '', filter: {}, standing: { tags: ['vip'] } }, NEVER)).count, 2)
  })

  test('says who, where in the text, and what was said around it', async t => {
    const rig = openSearchRig(t)
    const { log } = rig.store
    for (let i = 0; i < 6; i++) await say(log, conversationId(1), `line ${i}`)
    await say(log, conversationId(2), 'elsewhere')
    await say(log, conversationId(1), 'Ａ ＲＥＦＵＮＤ, refund!', 'a_9')
    await log.append(conversationId(1), [
      { type: 'assigned', by: { role: 'system' }, agent: 'a_9', name: 'Li', reasons: [] },
    ])
    await say(log, conversationId(1), 'x'.repeat(2_000))
    const { hits } = await rig.search.search({ ...everything, words: 'refund' }, { limit: 10, context: 2 }, NEVER)
    assert.equal(hits.length, 1)
    const [hit] = hits
    assert.deepEqual([hit!.n, hit!.by, hit!.direction], [8, { role: 'agent', id: 'a_9', name: 'Li' }, 'out'])
    assert.deepEqual(
      hit!.marks.map(([start, end]) => hit!.text.slice(start, end)),
      ['ＲＥＦＵＮＤ', 'refund'],
    )
    assert.deepEqual(
      hit!.before.map(({ text }) => text),
      ['line 4', 'line 5'],
    )
    assert.deepEqual(
      hit!.after.map(({ n, text }) => [n, text.length]),
      [[10, 501]],
    )
  })

  test('forgets what it is told to', async t => {
    const rig = openSearchRig(t)
    await say(rig.store.log, conversationId(1), 'a secret')
    await say(rig.store.log, conversationId(1), 'no secret')
    await rig.search.remove([2])
    assert.equal(rig.search.status().lag, 0)
    const { count } = await rig.search.count({ words: 'secret', filter: {} }, NEVER)
    assert.equal(count, 1)
  })

  test('answers in time with what it has, and where to go on', async t => {
    const clock = createHoldingClock()
    let later = 0
    let finds = 0
    const rig = openSearchRig(t, {
      clock: { ...clock, monotonicMs: () => clock.monotonicMs() + later },
      log: () => ({ tail: async function* () {} }),
      onPost: message => {
        if (message.type !== 'ask' || message.ask.type !== 'find') return
        finds++
        later += 1_000
      },
    })
    for (let i = 0; i < 1_000; i++) await say(rig.store.log, conversationId(1), `text ${i}`)
    const { hits, next } = await rig.search.search(
      { ...everything, words: '"text 0"' },
      { limit: 5, context: 0 },
      NEVER,
    )
    assert.deepEqual([hits.length, finds], [0, 3])
    assert.ok(next !== undefined && next < 1_001 - 300)
    assert.equal((await allHits(rig.search, { ...everything, words: 'text' }, 200)).length, 1_000)
    const part = await rig.search.count({ words: 'text', filter: {} }, NEVER)
    assert.equal(part.count, 1_000)
    assert.equal(rig.search.status().lag, 1_001)
  })

  test('hands over no more than the thread takes', async t => {
    let isHeld = true
    let bytes = 0
    const held: (() => void)[] = []
    const rig = openSearchRig(t, {
      onPost: message => {
        if (message.type === 'feed') bytes += message.batch.bytes.length
      },
      hear: message => (isHeld && message.type === 'fed' ? void held.push(() => undefined) : message),
    })
    for (let i = 0; i < 150; i++) await say(rig.store.log, conversationId(i), 'x'.repeat(8_000))
    await until('it is full', () => bytes > 400_000)
    assert.ok(bytes <= 512 * 1024, `${bytes} bytes under way`)
    assert.equal((await allHits(rig.search, everything, 200)).length, 150)
    assert.ok(bytes <= 512 * 1024)
    isHeld = false
  })

  test('a question that a thread dies of is asked twice, and no more', async t => {
    const rig = openSearchRig(t, {
      onPost: message => {
        if (message.type === 'ask' && message.ask.type === 'search')
          queueMicrotask(() => void rig.threads.at(-1)!.terminate())
      },
    })
    await say(rig.store.log, conversationId(1), 'text')
    await assert.rejects(found(rig, 'text'), { code: 'KEFU_SEARCH_UNAVAILABLE' })
    assert.equal(rig.threads.length, 2)
    await until('it is back', () => rig.threads.length === 3 && rig.search.status().lag === 0)
  })

  test('hostile questions are refused or answered, and harm nobody', async t => {
    const rig = openSearchRig(t)
    await say(rig.store.log, conversationId(1), `${'a'.repeat(4_000)}! \u0000\u0007\u202e`)
    assert.equal((await found(rig, '/(a+)+$/')).length, 0)
    assert.equal((await found(rig, '/(a|a)*!/')).length, 1)
    assert.equal((await found(rig, '\u0007')).length, 1)
    for (const words of ['x'.repeat(513), '('.repeat(20), '/(/', '/a{1000}{1000}/', Array(33).fill('a').join(' ')])
      await assert.rejects(found(rig, words), { code: 'KEFU_SEARCH_INVALID' }, words.slice(0, 20))
    const aborted = new AbortController()
    aborted.abort()
    await assert.rejects(rig.search.search({ ...everything }, { limit: 1, context: 0 }, aborted.signal), {
      code: 'KEFU_ABORTED',
    })
    assert.equal(rig.threads.length, 1)
  })
})
