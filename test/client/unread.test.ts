import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unread } from '../../src/client/unread.js'
import type { WireRecord } from '../../src/codec/wire.js'

const said = (role: 'contact' | 'agent' | 'system'): WireRecord => ({ type: 'message', by: { role }, parts: [] })
const RECORDS = {
  contact: said('contact'),
  agent: said('agent'),
  system: said('system'),
  note: { type: 'note' },
  closed: { type: 'closed' },
} as const

/** What the server says: the contact's messages behind what is read, the last word of an agent and the last end. */
function counted(records: readonly WireRecord[], read: number): number {
  let count = 0
  for (let n = records.length; n > read; n--) {
    const record = records[n - 1]!
    if (record === RECORDS.agent || record === RECORDS.closed) break
    if (record === RECORDS.contact) count++
  }
  return Math.min(count, 100)
}

describe('the number of unread messages', () => {
  it('goes on from what the server counted', () => {
    const unread = new Unread(50)
    unread.told(7, 60)
    assert.equal(unread.count, 7)
    for (let n = 51; n <= 60; n++) unread.record(n, RECORDS.note)
    unread.record(61, RECORDS.contact)
    unread.record(62, RECORDS.system)
    assert.equal(unread.count, 8)
    unread.record(63, RECORDS.contact)
    assert.equal(unread.count, 9)
    unread.read(61)
    assert.equal(unread.count, 1)
    unread.record(64, RECORDS.agent)
    assert.equal(unread.count, 0)
  })

  it('keeps what the server counted behind what has been seen', () => {
    const unread = new Unread(60)
    unread.told(7, 60)
    unread.record(61, RECORDS.contact)
    assert.equal(unread.count, 8)
    unread.told(3, 59)
    assert.equal(unread.count, 8, 'an older count is none')
    unread.read(58)
    assert.equal(unread.count, 3, 'at most the two records that are left, and the one behind')
    unread.read(60)
    assert.equal(unread.count, 1)
  })

  it('is exact after a part was read as soon as its records have come', () => {
    const unread = new Unread(0)
    unread.told(5, 10)
    unread.read(6)
    assert.equal(unread.count, 4, 'at most what is left')
    for (let n = 1; n <= 10; n++) unread.record(n, n % 2 === 0 ? RECORDS.contact : RECORDS.note)
    assert.equal(unread.count, 2)
  })

  it('takes the word of the server for what it has counted, such as behind what a bot has said', () => {
    const unread = new Unread(0)
    unread.told(2, 5)
    for (const [at, record] of [RECORDS.note, RECORDS.contact, RECORDS.agent, RECORDS.contact, RECORDS.note].entries())
      unread.record(at + 1, record)
    assert.equal(unread.count, 2)
    unread.record(6, RECORDS.contact)
    assert.equal(unread.count, 3)
    unread.record(7, RECORDS.agent)
    assert.equal(unread.count, 0)
  })

  it('does not go back to what was read here before the server heard of it', () => {
    const unread = new Unread(0)
    unread.record(1, RECORDS.contact)
    unread.record(2, RECORDS.contact)
    unread.read(2)
    unread.told(2, 2)
    assert.equal(unread.count, 0)
    unread.told(3, 3)
    assert.equal(unread.count, 1)
  })

  it('ends at 100', () => {
    const unread = new Unread(0)
    unread.told(90, 90)
    for (let n = 1; n <= 300; n++) unread.record(n, RECORDS.contact)
    assert.equal(unread.count, 100)
    unread.read(250)
    assert.equal(unread.count, 50)
  })

  it('is what the server would count, whatever comes in whichever order', () => {
    const step = fc.oneof(
      fc.constantFrom(...Object.values(RECORDS)).map(record => ({ do: 'record' as const, record })),
      fc.nat(60).map(upTo => ({ do: 'read' as const, upTo })),
      fc.constant({ do: 'told' as const }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const records: WireRecord[] = []
        const unread = new Unread(0)
        let read = 0
        for (const each of steps) {
          if (each.do === 'told') unread.told(counted(records, read), records.length)
          else if (each.do === 'read') {
            const n = Math.min(each.upTo, records.length)
            read = Math.max(read, n)
            unread.read(n)
          } else {
            records.push(each.record)
            unread.record(records.length, each.record)
          }
          assert.equal(unread.count, counted(records, read))
        }
      }),
    )
  })

  it('is right as soon as all is told, wherever the records begin that were seen', () => {
    const record = fc.constantFrom(...Object.values(RECORDS))
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        (records, a, b, c) => {
          const end = records.length
          const start = a % (end + 1)
          const toldN = start + (b % (end - start + 1))
          const read = c % (toldN + 1)
          const unread = new Unread(start)
          unread.told(counted(records.slice(0, toldN), read), toldN)
          for (let n = start + 1; n <= end; n++) unread.record(n, records[n - 1]!)
          assert.equal(unread.count, counted(records, read))
          unread.read(end)
          assert.equal(unread.count, 0)
        },
      ),
    )
  })
})
