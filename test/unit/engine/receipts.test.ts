import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { Receipt } from '../../../src/daemon/core/ports.js'
import { type MarkNews, Receipts } from '../../../src/daemon/engine/delivery/receipts.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const LIMIT = 10_000

/** Marks without an engine, over a store that is a map. */
function setUp() {
  const clock = createManualClock()
  const stored = new Map<string, Receipt>()
  const told: MarkNews[] = []
  const calls = { lookUps: 0, writes: 0 }
  const failure: { error: Error | undefined } = { error: undefined }
  const reported: unknown[] = []
  const receipts = new Receipts({
    clock,
    view: {
      async receipt(conversation, reader) {
        calls.lookUps++
        return stored.get(`${conversation} ${reader}`) ?? null
      },
      async putReceipts(some) {
        calls.writes++
        if (failure.error !== undefined) throw failure.error
        for (const receipt of some) stored.set(`${receipt.conversation} ${receipt.reader}`, receipt)
      },
    },
    tell: news => told.push(news),
    report: error => reported.push(error),
  })
  return { clock, stored, told, calls, failure, reported, receipts }
}

const conversationOf = (number: number): ConversationId => `c_${String(number).padStart(26, '0')}`
const headOf = (number: number): Head => ({ conversation: conversationOf(number) }) as Head
const BY = { role: 'contact' } as const

/** Everything that can happen without time passing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('receipts', () => {
  it('tell and write at once when so many wait, and take the next ones then', async () => {
    const { clock, stored, told, calls, receipts } = setUp()
    for (let i = 0; i < LIMIT; i++) receipts.note(headOf(i), BY, 'acknowledged', 2)
    for (let i = LIMIT; i < LIMIT + 500; i++) receipts.note(headOf(i), BY, 'acknowledged', 2)
    for (let turn = 0; turn < 2_000 && calls.writes === 0; turn++) await settle()
    assert.deepEqual([told.length, stored.size, calls.writes], [LIMIT, LIMIT, 1], 'before any time has passed')
    await settle()
    for (let i = LIMIT; i < LIMIT + 500; i++) receipts.note(headOf(i), BY, 'acknowledged', 2)
    clock.advance(1_000)
    for (let turn = 0; turn < 100 && calls.writes === 1; turn++) await settle()
    assert.deepEqual([told.length, stored.size, calls.writes], [LIMIT + 500, LIMIT + 500, 2])
    assert.equal(new Set(told.map(({ head }) => head.conversation)).size, LIMIT + 500)
  })

  it('remember what has been forgotten in memory by looking it up, so that nothing goes back or is told twice', async () => {
    const { clock, stored, told, receipts } = setUp()
    receipts.note(headOf(0), BY, 'read', 7)
    clock.advance(1_000)
    await settle()
    for (let i = 1; i <= LIMIT; i++) receipts.note(headOf(i), BY, 'acknowledged', 2)
    clock.advance(1_000)
    for (let turn = 0; turn < 2_000 && stored.size <= LIMIT; turn++) await settle()
    told.length = 0
    receipts.note(headOf(0), BY, 'read', 5)
    receipts.note(headOf(0), BY, 'acknowledged', 7)
    assert.deepEqual(await receipts.marks('contact', conversationOf(0), 100), { delivered: 7, read: 7 })
    clock.advance(1_000)
    await settle()
    assert.deepEqual(told, [])
    const { acknowledged, read } = stored.get(`${conversationOf(0)} contact`)!
    assert.deepEqual([acknowledged, read], [7, 7])
    receipts.note(headOf(0), BY, 'read', 8)
    clock.advance(200)
    await settle()
    assert.deepEqual(
      told.map(({ kind, n }) => [kind, n]),
      [['read', 8]],
    )
  })

  it('that could not be written are written with the next ones', async () => {
    const { clock, stored, failure, reported, receipts } = setUp()
    failure.error = new Error('no room on the disk')
    receipts.note(headOf(0), BY, 'read', 7)
    clock.advance(1_000)
    await settle()
    assert.deepEqual([stored.size, reported], [0, [failure.error]])
    failure.error = undefined
    receipts.note(headOf(0), BY, 'read', 7)
    receipts.note(headOf(1), BY, 'read', 2)
    clock.advance(1_000)
    await settle()
    assert.equal(stored.get(`${conversationOf(0)} contact`)?.read, 7)
    await receipts.close()
  })

  it('are shown at most up to the last record there is', async () => {
    const { receipts } = setUp()
    receipts.note(headOf(0), BY, 'read', 7)
    assert.deepEqual(await receipts.marks('contact', conversationOf(0), 5), { delivered: 5, read: 5 })
  })

  it('leave no timer behind', async () => {
    const { clock, receipts, stored } = setUp()
    receipts.note(headOf(0), BY, 'read', 7)
    await receipts.close()
    assert.equal(clock.pending, 0)
    assert.equal(stored.size, 1)
  })
})
