import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import { formatMessageId, parseMessageId } from '../../../src/codec/message-id.js'

const conversations = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatConversationId)

test('the name of a message says where it is', () => {
  fc.assert(
    fc.property(conversations, fc.integer({ min: 1, max: 1e15 - 1 }), (conversation, n) => {
      assert.deepEqual(parseMessageId(formatMessageId({ conversation, n })), { conversation, n })
    }),
  )
})

test('any other text is none', () => {
  const conversation = formatConversationId(new Uint8Array(16))
  for (const tail of ['', ':', ':0', ':01', ':-1', ':1.5', ':1e3', ': 1', ':1 ', ':1\n', ':1:2', ':9999999999999999'])
    assert.equal(parseMessageId(`${conversation}${tail}`), undefined, tail)
  fc.assert(fc.property(fc.string(), text => assert.equal(parseMessageId(text), undefined)))
  fc.assert(fc.property(fc.string(), text => assert.equal(parseMessageId(`${text}:1`), undefined)))
})
