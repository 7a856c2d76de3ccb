import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { LogEntry } from '../../../src/daemon/core/ports.js'
import { DeliveryWindow } from '../../../src/daemon/hooks/window.js'

const CONVERSATION = formatConversationId(new Uint8Array(16).fill(1))

function entryOf(seq: number, sizeBytes: number): LogEntry {
  return { record: { seq, conversation: CONVERSATION, bytes: new Uint8Array(sizeBytes) } } as unknown as LogEntry
}

test('a window is full with many small records and with few large ones, until enough of them are done', () => {
  for (const [sizeBytes, taken] of [
    [10, 100],
    [1_000, 10],
  ] as const) {
    const window = new DeliveryWindow(0, { pending: 100, pendingBytes: 10_000, span: 1_000 })
    let seq = 0
    while (window.hasRoom) window.add(entryOf(++seq, sizeBytes))
    assert.equal(seq, taken)
    window.done(window.take(0)!)
    assert.ok(window.hasRoom)
    window.add(entryOf(++seq, sizeBytes))
    assert.ok(!window.hasRoom)
  }
})
