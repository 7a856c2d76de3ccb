import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConversationId } from '../../src/codec/conversation-id.js'
import { KEY, textSeqKey } from '../../src/codec/keys.js'
import { sealValue } from '../../src/codec/record.js'
import { parseRow } from '../../src/daemon/store/level/outbox-row.js'
import { isKefuError } from '../../src/errors.js'
import { conversationId } from '../conformance/store-bench.js'

test('a row that was written before places were kept is read, and knows how much has gone', () => {
  const conversation = conversationId(1)
  const key = textSeqKey(KEY.outbox, 'ch:7', 9)
  const fields = [parseConversationId(conversation), 3, 0, 2, 'busy', 0, 4]
  assert.deepEqual(parseRow(key, sealValue(key, fields)), {
    ...{ lane: 'ch:7', conversation, n: 3, seq: 9, state: 'queued', attempts: 2, reason: 'busy' },
    progress: { pieces: 4 },
  })
  for (const other of [fields.slice(0, 6), [...fields, null, null]])
    assert.throws(
      () => parseRow(key, sealValue(key, other)),
      error => isKefuError(error, 'KEFU_CODEC_INVALID'),
    )
})
