import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogEntry } from '../../src/daemon/core/ports.js'
import { LiveFeed } from '../../src/daemon/store/level/live-feed.js'

const entryOf = (seq: number): LogEntry => ({ record: { seq, bytes: new Uint8Array(10) } }) as unknown as LogEntry

test('a record is found by its seq while the window holds it, and nothing in its place afterwards', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 }), sizes, fc.integer({ min: 1, max: 20 }), (start, commits, limit) => {
      const feed = new LiveFeed(limit)
      feed.reset(start)
      let seq = start
      for (const size of commits) feed.publish(Array.from({ length: size }, () => entryOf(++seq)))
      const held = Array.from({ length: seq + 2 }, (_, i) => i).filter(each => feed.at(each) !== undefined)
      for (const each of held) assert.equal(feed.at(each)!.record.seq, each)
      assert.equal(held.at(-1), commits.length === 0 ? undefined : seq)
      // From the first one on, all of them.
      assert.equal(held.length, held.length === 0 ? 0 : seq - held[0]! + 1)
      assert.ok(held.length <= Math.max(limit, commits.at(-1) ?? 0))
    }),
  )
})
