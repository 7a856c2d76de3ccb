import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HistoryRecordView } from '../../src/daemon/control/client.js'
import { historyRecord } from '../../src/daemon/control/history-schemas.js'
import { isKefuError } from '../../src/errors.js'
import { until } from '../conformance/store-bench.js'
import { all, answers, openHistory, says } from './history-kit.js'

const code = (wanted: string) => (error: unknown) => isKefuError(error) && error.code === wanted
const numbers = (records: readonly { readonly n: number }[]): number[] => records.map(({ n }) => n)

describe('history.show', () => {
  test('the newest messages in order, as they are stored', async t => {
    const { client, append, idOf, store } = await openHistory(t)
    for (let i = 0; i < 10; i++)
      await append(2, 'user-42', says(`第 ${i} "句"\n`), { type: 'note', by: { role: 'operator' }, text: 'n' })
    const found = await all(client.stream('history.show', { ref: 'app/user-42', limit: 3 }))
    assert.deepEqual(numbers(found), [16, 18, 20])
    const [stored] = await store.log.read(idOf(2, 'user-42'), 15, 1)
    assert.deepEqual(found[0], {
      type: 'record',
      conversation: idOf(2, 'user-42'),
      n: 16,
      seq: stored!.seq,
      at: stored!.at,
      channel: 'app',
      kind: 'app',
      contact: 'user-42',
      body: stored!.body,
    })
    historyRecord.parse(found[0])
    const events = await all(client.stream('history.show', { ref: idOf(2, 'user-42'), all: true, limit: 3 }))
    assert.deepEqual(numbers(events), [19, 20, 21])
    const behind = await all(client.stream('history.show', { ref: 'app/user-42', after: 4, before: 10, limit: 2 }))
    assert.deepEqual(numbers(behind), [6, 8])
    const before = await all(client.stream('history.show', { ref: 'app/user-42', before: 10, limit: 2 }))
    assert.deepEqual(numbers(before), [6, 8])
    assert.deepEqual(await all(client.stream('history.show', { ref: 'app/user-42', after: 21 })), [])
    await assert.rejects(all(client.stream('history.show', { ref: 'app/nobody' })), code('KEFU_CONVERSATION_NOT_FOUND'))
    await assert.rejects(all(client.stream('history.show', { ref: 'gone/user' })), code('KEFU_CHANNEL_NOT_FOUND'))
    await assert.rejects(all(client.stream('history.show', { ref: 'nonsense' })), code('KEFU_USAGE'))
    await assert.rejects(all(client.stream('history.show', { ref: 'app/x', limit: 0 })), code('KEFU_USAGE'))
  })

  test('a range of several pages has every record once, large ones, too', async t => {
    const { client, append } = await openHistory(t)
    for (let i = 0; i < 25; i++) {
      const bodies = Array.from({ length: 100 }, (_, k) => says(`${i * 100 + k} ${'长'.repeat(i === 20 ? 3_500 : 10)}`))
      await append(1, 'v', ...bodies)
    }
    const newest = await all(client.stream('history.show', { ref: 'shop/v', limit: 2_400 }))
    assert.deepEqual(
      numbers(newest),
      Array.from({ length: 2_400 }, (_, i) => 102 + i),
    )
    const first = await all(client.stream('history.show', { ref: 'shop/v', after: 0, limit: 2_400, all: true }))
    assert.deepEqual(
      numbers(first),
      Array.from({ length: 2_400 }, (_, i) => 1 + i),
    )
    let text = ''
    for await (const lines of client.lines('history.show', { ref: 'shop/v', limit: 2_400 })) {
      assert.equal(lines.at(-1), 0x0a, 'whole lines')
      text += lines.toString()
    }
    assert.deepEqual(
      text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
      newest,
    )
    await assert.rejects(all(client.lines('history.show', { ref: 'shop/nobody' })), code('KEFU_CONVERSATION_NOT_FOUND'))
  })

  test('what comes is followed, each record once, of this conversation only', async t => {
    const { client, append } = await openHistory(t)
    await append(1, 'v', says('one'))
    const found: number[] = []
    for await (const { n } of client.stream('history.show', { ref: 'shop/v', follow: true })) {
      found.push(n)
      if (found.length === 1) {
        await append(1, 'other', says('not for you'))
        await append(1, 'v', says('two'), { type: 'note', by: { role: 'operator' }, text: 'no message' }, says('three'))
      }
      if (found.length === 3) break
    }
    assert.deepEqual(found, [2, 3, 5])
  })
})

describe('history.tail', () => {
  test('what is appended, by channel, agent and type; with since also what was', async t => {
    const { client, append, clock, tails } = await openHistory(t)
    const { agent } = await client.call('agent.add', { name: 'ann' })
    await append(1, 'v', says('old'))
    await clock.advance(60_000)
    const since = clock.now()
    for (let i = 0; i < 600; i++) await append(1, 'v', says(`since ${i}`))
    const take = async (
      request: Parameters<typeof client.stream<'history.tail'>>[1],
      count: number,
      act: () => Promise<unknown>,
    ) => {
      const found: HistoryRecordView[] = []
      const before = tails()
      const acting = until('the log to be followed', () => tails() > before).then(act)
      for await (const record of client.stream('history.tail', request)) {
        found.push(record)
        if (found.length === count) break
      }
      await acting
      return found
    }
    const live = await take({ types: ['message'] }, 2, async () => {
      await append(2, 'u', says('live'))
      await append(1, 'v', says('live, too'))
    })
    assert.deepEqual(
      live.map(({ channel, contact, n }) => [channel, contact, n]),
      [
        ['app', 'u', 2],
        ['shop', 'v', 603],
      ],
    )
    const hers = await take({ agent: 'ann' }, 1, async () => {
      await append(2, 'u', answers('a_other', 'not hers'))
      await append(2, 'u', answers(agent.id, 'hers'))
    })
    assert.deepEqual(numbers(hers), [4])
    const then = await take({ since, channel: 'shop' }, 602, () => append(1, 'v', says('now')))
    assert.deepEqual(
      numbers(then),
      Array.from({ length: 602 }, (_, i) => 3 + i),
    )
    await assert.rejects(all(client.stream('history.tail', { channel: 'gone' })), code('KEFU_CHANNEL_NOT_FOUND'))
    await assert.rejects(all(client.stream('history.tail', { agent: 'gone' })), code('KEFU_AGENT_NOT_FOUND'))
  })
})

describe('history.export', () => {
  test('everything in log order, then where to go on', async t => {
    const { client, append } = await openHistory(t)
    for (let i = 0; i < 300; i++) await append((i % 2) + 1, `c${i % 3}`, says(`m${i}`))
    const events = await all(client.stream('history.export', {}))
    const records = events.filter(event => event.type === 'record')
    assert.deepEqual(
      records.map(({ seq }) => seq),
      Array.from({ length: 306 }, (_, i) => i + 1),
    )
    assert.deepEqual(events.at(-1), { type: 'end', cursor: '0:306', records: 306 })
    await append(1, 'c0', says('later'))
    const later = await all(client.stream('history.export', { after: '0:306' }))
    assert.deepEqual(
      later.map(event => (event.type === 'record' ? event.seq : event.type)),
      [307, 'end'],
    )
    for (const after of ['0:309', 'nonsense', '1:5'])
      await assert.rejects(all(client.stream('history.export', { after })), code('KEFU_USAGE'))
  })

  test('some of it: by channel, contact, conversation, time and type', async t => {
    const { client, append, clock, idOf } = await openHistory(t)
    for (let i = 0; i < 2_200; i++) {
      await append((i % 2) + 1, i % 11 === 0 ? 'rare' : 'often', says(`m${i}`))
      await clock.advance(1_000)
    }
    const start = clock.now() - 2_200_000
    const seqs = async (request: Parameters<typeof client.stream<'history.export'>>[1]) => {
      const events = await all(client.stream('history.export', request))
      return events.flatMap(event => (event.type === 'record' ? [event] : []))
    }
    const everything = await seqs({})
    const check = async (
      request: Parameters<typeof seqs>[0],
      wanted: (record: (typeof everything)[number]) => boolean,
    ) => {
      const found = await seqs(request)
      assert.deepEqual(found, everything.filter(wanted))
      assert.ok(found.length > 0 && found.length < everything.length)
    }
    await check({ channel: 'shop' }, ({ channel }) => channel === 'shop')
    await check({ contact: 'rare' }, ({ contact }) => contact === 'rare')
    await check({ contact: 'rare', channel: 'app' }, record => record.contact === 'rare' && record.channel === 'app')
    await check({ conversation: 'app/often' }, ({ conversation }) => conversation === idOf(2, 'often'))
    await check(
      { conversation: idOf(2, 'often'), after: '0:1000' },
      ({ conversation, seq }) => conversation === idOf(2, 'often') && seq > 1_000,
    )
    await check({ types: ['opened'] }, ({ body }) => body.type === 'opened')
    await check(
      { since: start + 500_000, until: start + 600_000 },
      ({ at }) => at >= start + 500_000 && at < start + 600_000,
    )
    await assert.rejects(seqs({ contact: 'nobody' }), code('KEFU_CONVERSATION_NOT_FOUND'))
  })
})

describe('history.stats', () => {
  test('counts by day, channel, type, agent and who it was; days where they are asked for', async t => {
    const { client, append, clock } = await openHistory(t)
    const { agent } = await client.call('agent.add', { name: 'ann' })
    clock.setWall(Date.UTC(2026, 0, 5, 23, 30))
    for (let i = 0; i < 300; i++) await append(1, 'v', says('a'))
    clock.setWall(Date.UTC(2026, 0, 6, 0, 30))
    await append(2, 'u', says('b'), answers(agent.id, 'c'), {
      type: 'note',
      by: { role: 'agent', id: 'a_gone' },
      text: 'd',
    })
    const stats = async (request: Parameters<typeof client.stream<'history.stats'>>[1]) => {
      const result = (await all(client.stream('history.stats', request))).at(-1)
      assert.ok(result?.type === 'result')
      assert.ok(result.rows.every(({ bytes }) => bytes > 0))
      return result.rows.map(({ key, records, messages }) => [...key, records, messages])
    }
    assert.deepEqual(await stats({ by: ['day'] }), [
      ['2026-01-05', 301, 300],
      ['2026-01-06', 4, 2],
    ])
    assert.deepEqual(await stats({ by: ['day'], offsetMinutes: 480 }), [['2026-01-06', 305, 302]])
    assert.deepEqual(await stats({ by: ['hour'], types: ['note'] }), [['2026-01-06 00', 1, 0]])
    assert.deepEqual(await stats({ by: ['channel', 'type'], channel: 'app' }), [
      ['app', 'message', 2, 2],
      ['app', 'note', 1, 0],
      ['app', 'opened', 1, 0],
    ])
    assert.deepEqual(await stats({ by: ['agent', 'role'], since: Date.UTC(2026, 0, 6) }), [
      ['', '', 1, 0],
      ['', 'contact', 1, 1],
      ['a_gone', 'agent', 1, 0],
      ['ann', 'agent', 1, 1],
    ])
    assert.deepEqual(await stats({ by: ['day'], until: 1 }), [])
  })
})
