import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addressText, plainAddress } from '../../src/daemon/transport/address.js'
import { RequestBody } from '../../src/daemon/transport/body.js'
import { closeReason, frameCount, framePayload } from '../../src/daemon/transport/fragments.js'
import { HeaderReader, type RequestHeaders } from '../../src/daemon/transport/smuggling.js'
import { codeOf } from '../helpers/raw-transport.js'

function read(headers: readonly (readonly [string, string])[], limitBytes = 4096): RequestHeaders {
  const reader = new HeaderReader(limitBytes, 'GET/')
  for (const [name, value] of headers) reader.add(name, value)
  return reader.finish()
}

describe('header reader', () => {
  test('judges framing', () => {
    const good = [
      [],
      [['content-length', '0']],
      [['content-length', '12']],
      [['transfer-encoding', 'chunked']],
    ] as const
    const bad = [
      [['content-length', '']],
      [['content-length', ' 5']],
      [['content-length', '1e3']],
      [['content-length', '9999999999999999']],
      [
        ['content-length', '5'],
        ['x', ''],
        ['content-length', '5'],
      ],
      [['transfer-encoding', '']],
      [['transfer-encoding', 'chunked ']],
      [
        ['transfer-encoding', 'chunked'],
        ['content-length', '5'],
      ],
      [
        ['host', 'a'],
        ['host', 'a'],
      ],
    ] as const
    for (const headers of good) assert.equal(read(headers).fault, undefined, JSON.stringify(headers))
    for (const headers of bad) assert.equal(read(headers).fault, 'framing', JSON.stringify(headers))
  })

  test('knows the declared length', () => {
    assert.equal(read([]).contentLength, 0)
    assert.equal(read([['content-length', '007']]).contentLength, 7)
    assert.equal(read([['transfer-encoding', 'chunked']]).contentLength, undefined)
  })

  test('counts the block', () => {
    // `GET / HTTP/1.1` with its line end is 16 bytes, `a: b` with its own 6.
    assert.equal(read([['a', 'b']], 22).fault, undefined)
    assert.equal(read([['a', 'b']], 21).fault, 'size')
  })
})

describe('fragments', () => {
  test('make up the payload again, each at most 15 KiB', () => {
    fc.assert(
      fc.property(fc.nat(100_000), length => {
        const payload = Buffer.alloc(length, 'kefu')
        const frames = [...Array(frameCount(length)).keys()].map(index => framePayload(payload, index))
        assert.equal(
          frames.every((frame, index) => frame.byteLength <= 15_360 && (index === 0 || frame.byteLength > 0)),
          true,
        )
        assert.equal(Buffer.concat(frames).equals(payload), true)
      }),
      { numRuns: 200 },
    )
  })

  test('a close reason fits, is a prefix and valid', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), text => {
        const reason = closeReason(text)
        const bytes = Buffer.from(reason)
        assert.equal(bytes.byteLength <= 123, true)
        assert.equal(Buffer.from(text).subarray(0, bytes.byteLength).equals(bytes), true)
        assert.equal(bytes.byteLength > 119 || reason === Buffer.from(text).toString(), true)
      }),
    )
  })
})

test('addresses', () => {
  const text = (...bytes: number[]): string => addressText(Uint8Array.from(bytes))
  assert.equal(text(127, 0, 0, 1), '127.0.0.1')
  assert.equal(text(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3), '10.1.2.3')
  assert.equal(text(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), '::1')
  assert.equal(text(...Array<number>(16).fill(0)), '::')
  assert.equal(text(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), '2001:db8::1')
  assert.equal(text(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1), '2001:db8:0:1:1:1:1:1')
  assert.equal(text(0x20, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), '2001:0:0:1::1')
  assert.equal(text(0xfe, 0x80, ...Array<number>(14).fill(0)), 'fe80::')
  assert.equal(text(), '')
  assert.equal(plainAddress('::ffff:192.168.0.9'), '192.168.0.9')
  assert.equal(plainAddress('::1'), '::1')
  assert.equal(plainAddress(undefined), '')
})

describe('request body', () => {
  const limits = { limitBytes: 10, timeoutMs: 1000 }

  test('is whole in whatever order it is read and arrives', async () => {
    const early = new RequestBody(undefined, () => {})
    early.push(Buffer.from('ab'))
    early.push(Buffer.from('cd'))
    assert.equal(early.aheadBytes, 4)
    early.finish()
    assert.equal(early.isRead, false)
    assert.equal(Buffer.from(await early.read(limits)).toString(), 'abcd')
    assert.equal(early.isRead, true)
    const late = new RequestBody(4, () => {})
    const reading = late.read(limits)
    late.push(Buffer.from('abcd'))
    assert.equal(late.aheadBytes, 0)
    late.finish()
    assert.equal(Buffer.from(await reading).toString(), 'abcd')
    assert.equal((await new RequestBody(0, () => {}).read(limits)).byteLength, 0)
  })

  test('says what went wrong, once', async () => {
    const large = new RequestBody(11, () => {})
    const fault: unknown = await large.read(limits).catch(error => error)
    assert.equal(codeOf(fault), 'KEFU_BODY_TOO_LARGE')
    assert.equal(large.statusOf(fault), 413)
    assert.equal(large.statusOf(new Error('other')), undefined)
    assert.equal(large.statusOf(undefined), undefined)
    const growing = new RequestBody(undefined, () => {})
    const reading = growing.read(limits)
    growing.push(Buffer.alloc(11))
    growing.push(Buffer.alloc(11))
    await assert.rejects(reading, { code: 'KEFU_BODY_TOO_LARGE' })
    const slow = new RequestBody(5, () => {})
    const timeout: unknown = await slow.read({ limitBytes: 10, timeoutMs: 5 }).catch(error => error)
    assert.equal(codeOf(timeout), 'KEFU_TIMEOUT')
    assert.equal(slow.statusOf(timeout), 408)
    const gone = new RequestBody(5, () => {})
    gone.abort()
    await assert.rejects(gone.read(limits), { code: 'KEFU_ABORTED' })
    const twice = new RequestBody(0, () => {})
    await twice.read(limits)
    await assert.rejects(twice.read(limits), { code: 'KEFU_INTERNAL' })
  })

  test('takes no more memory than its bytes, however small the chunks are', async () => {
    const count = 600_000
    const body = new RequestBody(undefined, () => {})
    const held = () => {
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const before = held()
    for (let index = 0; index < count; index++) body.push(Uint8Array.of(index % 251))
    body.finish()
    assert.ok(held() - before < 60 * count, `${held() - before} bytes for ${count}`)
    const bytes = await body.read({ limitBytes: count, timeoutMs: 1_000 })
    assert.equal(bytes.byteLength, count)
    assert.ok(bytes.every((byte, index) => byte === index % 251))
  })

  test('a chunk may be used again once it was taken', async () => {
    const body = new RequestBody(4, () => {})
    const chunk = Uint8Array.of(1, 2, 3, 4)
    body.push(chunk)
    chunk.fill(0)
    body.finish()
    assert.deepEqual([...(await body.read({ limitBytes: 4, timeoutMs: 1_000 }))], [1, 2, 3, 4])
  })

  test('a body nobody waits for any more rejects without an unhandled rejection', () => {
    const body = new RequestBody(5, () => {})
    void body.read(limits)
    body.abort()
  })
})
