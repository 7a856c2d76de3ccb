import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRefuseCallback } from '../../../src/daemon/core/refuse-callback.js'

test('a callback is refused with the same error for the same reason: none is made for each', () => {
  const refuse = createRefuseCallback()
  const refused = (reason: string): unknown => {
    try {
      refuse(reason)
    } catch (error) {
      return error
    }
  }
  const first = refused('the signature is wrong')
  assert.deepEqual(Object(first).detail, { reason: 'the signature is wrong' })
  assert.equal(Object(first).code, 'KEFU_CALLBACK_REFUSED')
  assert.equal(refused('the signature is wrong'), first)
  assert.notEqual(refused('timestamp is missing'), first)
})
