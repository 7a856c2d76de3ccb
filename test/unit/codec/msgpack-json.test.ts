import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pack, unpack } from '../../../src/codec/msgpack.js'
import { JsonBytes } from '../../../src/codec/msgpack-json.js'

/** What is written of a value; undefined when it is left to the decoder. */
function written(value: unknown): string | undefined {
  const json = new JsonBytes(16)
  json.text('[1,')
  if (!json.value(pack(value))) {
    assert.equal(json.take().toString(), '[1,', 'what was begun is taken back')
    return undefined
  }
  return json.take().toString().slice(3)
}

test('plain data is written as JSON.stringify writes it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), given => {
      // As the decoder gives it back: -0 and the like are no concern of this one.
      const value = unpack(pack(given))
      const text = written(value)
      if (text === undefined) return
      assert.equal(text, JSON.stringify(value))
    }),
    { numRuns: 500 },
  )
})

test('what records hold is not left to the decoder', () => {
  const body = {
    type: 'message',
    by: { role: 'agent', id: 'a_1', name: '小王 "W"' },
    id: 'm\\1',
    parts: [{ type: 'text', text: `第一行\n\t\u0001\u007f\u2028 한국어 힣 😀 </script>${'长'.repeat(5_000)}` }],
    window: { until: 1_790_000_000_123, messages: -5, share: 0.25, none: null, yes: true, no: false },
    counts: [0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295],
  }
  assert.equal(written(body), JSON.stringify(body))
})

test('rare forms are left to the decoder, and nothing of them is written', () => {
  for (const value of [{ a: undefined }, 'half \ud83d pair', { b: new Uint8Array(3) }, { at: new Date(0) }])
    assert.equal(written(value), undefined)
  const bytes = pack({ type: 'message', text: 'cut short' })
  for (let length = 0; length < bytes.length; length++)
    assert.equal(new JsonBytes(16).value(bytes.subarray(0, length)), false, `${length} bytes`)
  let deep: unknown = 1
  for (let i = 0; i < 100; i++) deep = [deep]
  assert.equal(written(deep), undefined)
})
