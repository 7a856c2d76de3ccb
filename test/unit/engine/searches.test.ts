import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { encodeFrame } from '../../../src/codec/frame.js'
import { WIRE_LIMITS } from '../../../src/codec/wire.js'
import type { Command } from '../../../src/codec/wire-commands.js'
import type { SearchBody, SearchRequestBody } from '../../../src/codec/wire-search.js'
import type { Actor } from '../../../src/daemon/core/commands.js'
import type { LogRecord } from '../../../src/daemon/core/log-record.js'
import { START } from '../../../src/daemon/core/ports.js'
import { SEARCH_LIMITS, type SearchHit, type SearchPort, type SearchRequest } from '../../../src/daemon/core/search.js'
import { excerptOf } from '../../../src/daemon/engine/intake/excerpt.js'
import { compileDocTest } from '../../../src/daemon/search/query/brute.js'
import { docOf } from '../../../src/daemon/search/query/doc.js'
import { createHighlighter } from '../../../src/daemon/search/query/highlight.js'
import { parseQuery } from '../../../src/daemon/search/query/parse.js'
import { KefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

const OPERATOR: Actor = { role: 'operator' }
const run = (rig: Rig, conversation: ConversationId, command: Command, actor = OPERATOR) =>
  rig.engine.commands.run(conversation, actor, command)

/** Everything that was ever stored, looked through from its end or its beginning. `pageLimit`: hits of a page at most. */
function searchOf(rig: Rig, asked: SearchRequest[], pageLimit: number = SEARCH_LIMITS.hits): SearchPort['search'] {
  return async (request, { limit }) => {
    asked.push(request)
    const hits: SearchHit[] = []
    const abort = new AbortController()
    const all: { readonly record: LogRecord; readonly channel: number }[] = []
    for await (const batch of rig.store.log.tail(START, abort.signal)) {
      for (const { record, head } of batch) all.push({ record, channel: head.channel })
      if (`0:${all.at(-1)?.record.seq}` === rig.store.log.cursor()) break
    }
    const text = parseQuery(request.words)
    const isHit = compileDocTest(text, request.filter)
    const marksIn = createHighlighter(text)
    const { after, order } = request
    for (const { record, channel } of order === 'newest' ? all.toReversed() : all) {
      if (after !== undefined && (order === 'newest' ? record.seq >= after : record.seq <= after)) continue
      const doc = docOf(record, { channel })
      if (doc === undefined || !isHit(doc) || !('by' in record.body)) continue
      if (hits.length === Math.min(limit, pageLimit)) return { hits, next: hits.at(-1)!.seq }
      hits.push({ ...doc, n: record.n, by: record.body.by, marks: marksIn(doc.text), before: [], after: [] })
    }
    return { hits }
  }
}

/** The answer to a search, or the code of the error. */
async function search(rig: Rig, peer: Peer, request: SearchRequestBody): Promise<SearchBody | string> {
  const before = peer.frames.length
  rig.send(peer, 'search', request, 77)
  for (let turn = 0; turn < 200; turn++) {
    const answer = peer.frames.slice(before).find(({ correlation }) => correlation === 77)
    if (answer?.kind === 'error') return String(answer.body.code)
    if (answer !== undefined) {
      assert.equal(answer.kind, 'search')
      const body = answer.body as unknown as SearchBody
      assert.ok(encodeFrame(0, 'search', 77, body).length <= WIRE_LIMITS.serverFrameBytes)
      return body
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('no answer came')
}

/** Texts that an agent finds. */
async function found(rig: Rig, peer: Peer, query: string, filter?: SearchRequestBody['filter']): Promise<unknown> {
  const body = await search(rig, peer, { query, ...(filter !== undefined && { filter }) })
  return typeof body === 'string' ? body : body.hits.map(({ text }) => text)
}

/** li has the conversation with `m1`, wang the one with `m2`. */
async function twoAgents() {
  const rig = await Rig.create()
  const asked: SearchRequest[] = []
  rig.search = searchOf(rig, asked)
  const li = await rig.agent('li')
  const mine = await rig.visitor()
  await rig.say(mine.peer, 'm1')
  await rig.settle()
  await rig.agents.set('li', { capacity: { total: 1, perKind: { web: 0 } } })
  const wang = await rig.agent('wang')
  const other = await rig.visitor()
  await rig.say(other.peer, 'm2')
  await rig.settle()
  for (const [agent, visitor] of [
    [li, mine],
    [wang, other],
  ] as const)
    assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id)
  return { rig, asked, li, wang, mine, other }
}

describe('a search', () => {
  test('finds what was said in the conversations of the agent, and says where', async () => {
    const { rig, li, mine } = await twoAgents()
    await run(rig, mine.conversation, { do: 'update', set: { name: '李雷' } })
    const { at } = (await rig.store.log.read(mine.conversation, 1, 1))[0]!
    const head = await rig.store.log.head(mine.conversation)
    assert.deepEqual(await search(rig, li.peer, { query: 'TEXT m' }), {
      hits: [
        {
          conversation: mine.conversation,
          n: 2,
          at,
          channel: 1,
          contact: head?.contact,
          name: '李雷',
          by: { role: 'contact' },
          direction: 'in',
          kinds: ['text'],
          text: 'text of m1',
          marks: [
            [0, 4],
            [8, 9],
          ],
        },
      ],
    })
    await rig.stop()
  })

  test('shows nobody what is not theirs to read', async () => {
    const { rig, li, wang, mine, other } = await twoAgents()
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m1'])
    assert.deepEqual(await found(rig, wang.peer, 'text'), ['text of m2'])
    assert.equal(await found(rig, li.peer, '', { conversation: other.conversation }), 'KEFU_CONVERSATION_NOT_FOUND')
    const nobody = rig.tokens.conversationId(1, 'v_nobody')
    assert.equal(await found(rig, li.peer, '', { conversation: nobody }), 'KEFU_CONVERSATION_NOT_FOUND')
    assert.deepEqual(await found(rig, li.peer, 'text', { conversation: mine.conversation }), ['text of m1'])
    for (const peer of [mine.peer, (await rig.greet({ token: rig.appToken })).peer])
      assert.equal(await search(rig, peer, { query: '' }), 'KEFU_FRAME_UNEXPECTED')
    await rig.stop()
  })

  test('goes by how things stand now: waiting, closed, taken away, of the same person', async () => {
    const { rig, li, wang, mine, other } = await twoAgents()
    await run(rig, mine.conversation, { do: 'link', with: other.conversation })
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m2', 'text of m1'])
    await run(rig, other.conversation, { do: 'unlink' })
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m1'])
    await rig.agents.set('wang', { capacity: { total: 1, perKind: { web: 0 } } })
    await run(rig, other.conversation, { do: 'requeue' })
    await rig.settle()
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m2', 'text of m1'], 'it waits for everybody')
    await run(rig, mine.conversation, { do: 'close' })
    assert.deepEqual(await found(rig, li.peer, 'm1'), ['text of m1'], 'li had it last')
    assert.deepEqual(await found(rig, wang.peer, 'm1'), [])
    await rig.stop()
  })

  test('shows supervisors everything, and bots what they have', async () => {
    const { rig, li, mine, other } = await twoAgents()
    await rig.agents.set('li', { role: 'supervisor' })
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m2', 'text of m1'])
    await rig.agents.set('li', { role: 'agent' })
    await run(rig, mine.conversation, { do: 'link', with: other.conversation })
    const robot = await rig.agent('robot')
    await run(rig, mine.conversation, { do: 'close' })
    await rig.agents.set('robot', { role: 'bot' })
    assert.deepEqual(await found(rig, robot.peer, 'text'), [])
    await rig.stop()
  })

  test('takes filters, orders and pages', async () => {
    const { rig, asked, li, mine } = await twoAgents()
    rig.search = searchOf(rig, asked, 2)
    for (let i = 3; i < 8; i++) await rig.say(mine.peer, `m${i}`)
    await run(rig, mine.conversation, { do: 'note', text: 'note of li' })
    assert.deepEqual(await found(rig, li.peer, 'of li', { kinds: ['note'] }), ['note of li'])
    assert.deepEqual(await found(rig, li.peer, 'of', { directions: ['internal'] }), ['note of li'])
    assert.deepEqual(await found(rig, li.peer, 'of', { channels: [2] }), [])
    await found(rig, li.peer, '', { tags: ['vip'], team: 't_1', hasMedia: true, since: 5, until: 6, agents: ['a_1'] })
    const { filter, standing } = asked.at(-1)!
    assert.deepEqual(
      [standing, filter],
      [
        { tags: ['vip'], team: 't_1' },
        { hasMedia: true, since: 5, until: 6, agents: ['a_1'], conversations: [mine.conversation] },
      ],
    )
    for (const order of ['newest', 'oldest'] as const) {
      const texts: string[] = []
      let after: string | undefined
      do {
        const page = await search(rig, li.peer, {
          query: 'text',
          order,
          limit: 3,
          ...(after !== undefined && { after }),
        })
        assert.ok(typeof page !== 'string')
        assert.ok(page.hits.length <= 3)
        texts.push(...page.hits.map(({ text }) => text))
        after = page.next
      } while (after !== undefined)
      const all = [1, 3, 4, 5, 6, 7].map(i => `text of m${i}`)
      assert.deepEqual(texts, order === 'oldest' ? all : all.toReversed())
    }
    await rig.stop()
  })

  test('goes on where a frame was full, and shows the part of a long text that was meant', async () => {
    const { rig, li, mine } = await twoAgents()
    const long = `${'长'.repeat(900)}here${'长'.repeat(900)}`
    for (let i = 0; i < 16; i++) {
      rig.send(mine.peer, 'message', { id: `long${i}`, parts: [{ type: 'text', text: `${long}${i}` }] })
      await rig.receive(mine.peer, 'ack', frame => frame.body.id === `long${i}`)
    }
    const numbers: number[] = []
    let after: string | undefined
    let pages = 0
    do {
      const page = await search(rig, li.peer, { query: 'here', limit: 50, ...(after !== undefined && { after }) })
      assert.ok(typeof page !== 'string')
      for (const { n, text, marks, cut } of page.hits) {
        numbers.push(n)
        assert.equal(cut, true)
        assert.deepEqual(
          marks.map(([start, end]) => text.slice(start, end)),
          ['here'],
        )
      }
      after = page.next
      pages++
    } while (after !== undefined)
    assert.equal(new Set(numbers).size, 16)
    assert.equal(numbers.length, 16)
    assert.ok(pages > 1)
    await rig.stop()
  })

  test('looks further while the hits are those of others, where an agent has too many conversations to list them', async () => {
    const { rig, asked, li, other } = await twoAgents()
    const inbox = rig.store.view.inbox
    Object.assign(rig.store.view, {
      inbox: async (...range: Parameters<typeof inbox>) => ({
        ...(await inbox.apply(rig.store.view, range)),
        more: true,
      }),
    })
    rig.search = searchOf(rig, asked, 3)
    for (let i = 3; i < 20; i++) await rig.say(other.peer, `m${i}`)
    assert.deepEqual(await found(rig, li.peer, 'text'), ['text of m1'])
    assert.equal(asked[0]?.filter.conversations, undefined)
    assert.ok(asked.length > 5)
    await rig.stop()
  })

  test('is refused with the reason when it cannot be understood, and when there are too many', async () => {
    const { rig, li } = await twoAgents()
    const wrong = rig.receive.bind(rig, li.peer, 'error')
    rig.send(li.peer, 'search', { query: 'a "b' }, 5)
    assert.match(String((await wrong()).body.message), /quote is not closed \(at character 3\)/)
    rig.send(li.peer, 'search', { query: '', after: 'x' }, 5)
    assert.equal((await wrong()).body.code, 'KEFU_CODEC_INVALID')
    for (let i = 0; i < 18; i++) assert.ok(typeof (await search(rig, li.peer, { query: '' })) !== 'string')
    rig.send(li.peer, 'search', { query: '' }, 5)
    const { body } = await wrong()
    assert.deepEqual([body.code, body.retryAfterMs], ['KEFU_RATE_LIMITED', 500])
    rig.clock.advance(500)
    assert.ok(typeof (await search(rig, li.peer, { query: '' })) !== 'string')
    await rig.stop()
  })

  test('holds back nothing else, and ends with its session', async () => {
    const { rig, li } = await twoAgents()
    const signals: AbortSignal[] = []
    rig.search = (_request, _page, signal) =>
      new Promise((_, reject) => {
        signals.push(signal)
        signal.addEventListener('abort', () => reject(new KefuError('KEFU_ABORTED')))
      })
    for (const correlation of [1, 2, 3]) rig.send(li.peer, 'search', { query: '' }, correlation)
    const refused = await rig.receive(li.peer, 'error')
    assert.deepEqual([refused.correlation, refused.body.code], [3, 'KEFU_RATE_LIMITED'])
    rig.send(li.peer, 'inbox', { before: '0:99' }, 4)
    await rig.receive(li.peer, 'inbox', ({ correlation }) => correlation === 4)
    rig.disconnect(li.peer)
    await rig.settle()
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    )
    assert.deepEqual(rig.reported, [])
    await rig.stop()
  })

  test('tells the reason of a failure to the operator only', async () => {
    const { rig, li } = await twoAgents()
    rig.search = async () => {
      throw new KefuError('KEFU_SEARCH_UNAVAILABLE', { reason: 'no space left on /var/lib/kefu' })
    }
    rig.send(li.peer, 'search', { query: '' })
    const { body } = await rig.receive(li.peer, 'error')
    assert.equal(body.code, 'KEFU_SEARCH_UNAVAILABLE')
    assert.doesNotMatch(JSON.stringify(body), /var/)
    await rig.stop()
  })
})

describe('excerptOf', () => {
  test('keeps the first mark, whole characters, and the marks that are inside', () => {
    const text = `${'👍'.repeat(50)}ab${'👍'.repeat(50)}ab`
    for (let length = 8; length < 60; length++) {
      const {
        text: part,
        marks,
        isCut,
      } = excerptOf(
        text,
        [
          [100, 102],
          [202, 204],
        ],
        length,
      )
      assert.ok(part.length <= length && part.isWellFormed() && isCut)
      assert.deepEqual(
        marks.map(([start, end]) => part.slice(start, end)),
        ['ab'],
      )
    }
    assert.deepEqual(excerptOf('ab', [[0, 1]], 2), { text: 'ab', marks: [[0, 1]], isCut: false })
    assert.deepEqual(excerptOf('abc', [], 2), { text: 'ab', marks: [], isCut: true })
    assert.deepEqual(excerptOf('xxxxab', [[4, 6]], 3), { text: 'xab', marks: [[1, 3]], isCut: true })
    assert.deepEqual(excerptOf('xabcdefx', [[1, 7]], 4).marks, [[1, 4]])
  })
})
