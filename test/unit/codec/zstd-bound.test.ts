import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { compress, decompress } from '../../../src/codec/zstd.js'
import { ZSTD_MEDIA_LIMITS, ZSTD_WIRE_LIMITS, type ZstdLimits, zstdBound } from '../../../src/codec/zstd-bound.js'
import { isKefuError } from '../../../src/errors.js'
import { fuzzDecoder } from '../../helpers/mutate.js'
import { prose } from '../../helpers/sample-bytes.js'
import { denseBlock, rawBlock, rleBlock, skippableFrame, WINDOW, zstdFrame } from '../../helpers/zstd-frames.js'
import { refused, validFrames } from '../../helpers/zstd-samples.js'

const KIB = 1024
const MIB = 1024 * KIB
const BLOCK = 128 * KIB

describe('zstd bombs', () => {
  const kib64 = new Uint8Array(64 * KIB)
  const good = zstdFrame({ size: 5n, sizeBytes: 1 }, [rleBlock(5)])
  const bombs: readonly (readonly [name: string, frame: Uint8Array, reason: RegExp])[] = [
    ['512 MiB of zeros, no size', zstdFrame({ window: WINDOW.mib1 }, fill(4096, rleBlock(BLOCK))), /expands to/],
    ['512 MiB of zeros in dense blocks', zstdFrame({ window: WINDOW.mib1 }, fill(4096, denseBlock())), /may expand to/],
    [
      '512 MiB of zeros, declared',
      zstdFrame({ size: 1n << 29n, window: WINDOW.mib1 }, fill(4096, rleBlock(BLOCK))),
      /declares/,
    ],
    ['1,000 frames', Buffer.concat(fill(1000, good)), /bytes after the end/],
    ['a second frame', Buffer.concat([good, good]), /bytes after the end/],
    ['a byte after the frame', Buffer.concat([good, Uint8Array.of(0)]), /bytes after the end/],
    ['a skippable frame after the frame', Buffer.concat([good, skippableFrame(kib64)]), /bytes after the end/],
    ['a skippable frame', skippableFrame(kib64), /skippable/],
    ['a skippable frame first', Buffer.concat([skippableFrame(kib64, 0x184d2a5f), good]), /skippable/],
    [
      'an understated size',
      zstdFrame({ size: 10n, window: WINDOW.mib1 }, fill(4096, rleBlock(BLOCK))),
      /declares 10 bytes and has more/,
    ],
    [
      'an overstated size',
      zstdFrame({ size: 60_000n, window: WINDOW.mib1 }, [rleBlock(10)]),
      /declares 60000 bytes and has at most 10/,
    ],
    [
      'a size of 2^64 - 1',
      zstdFrame({ size: (1n << 64n) - 1n, sizeBytes: 8, window: WINDOW.mib1 }, [rleBlock(10)]),
      /declares/,
    ],
    ['a single segment of 4 GiB', zstdFrame({ size: 0xffff_ffffn }, [rleBlock(BLOCK)]), /declares/],
    ['a window of 8 GiB', zstdFrame({ window: WINDOW.gib8 }, [rleBlock(10)]), /window of 8589934592 bytes/],
    ['a window of 3.75 TiB', zstdFrame({ window: 0xff }, [rleBlock(10)]), /window of/],
    ['a dictionary', zstdFrame({ window: WINDOW.mib1, dictionaryBytes: 4 }, [rleBlock(10)]), /dictionary/],
    ['the reserved header bit', zstdFrame({ size: 5n, extraBits: 0x08 }, [rleBlock(5)]), /reserved bit/],
    [
      'the reserved block type',
      zstdFrame({ size: 5n }, [{ type: 3, size: 5, content: kib64.subarray(0, 5) }]),
      /reserved type/,
    ],
    [
      'a block over the block limit',
      zstdFrame({ window: WINDOW.mib1 }, [rleBlock(BLOCK + 1)]),
      /block of 131073 bytes/,
    ],
    [
      'a block over the window',
      zstdFrame({ window: WINDOW.kib1 }, [rawBlock(kib64.subarray(0, 1025))]),
      /block of 1025 bytes/,
    ],
    [
      'a million empty blocks',
      zstdFrame({ window: WINDOW.mib1 }, fill(1_000_000, rawBlock(new Uint8Array(0)))),
      /too many blocks/,
    ],
    ['no last block', zstdFrame({ window: WINDOW.mib1 }, fill(20, rleBlock(3))).subarray(0, -4), /truncated/],
    ['another magic', zstdFrame({ magic: 0xfd2fb527, size: 5n }, [rleBlock(5)]), /not a zstd frame/],
    ['nothing', new Uint8Array(0), /truncated/],
  ]

  for (const [name, frame, reason] of bombs) {
    it(`refuses ${name} at once and in little memory`, async () => {
      let fastestMs = Number.POSITIVE_INFINITY
      let leastBytes = Number.POSITIVE_INFINITY
      // A collection or another process may fall into one attempt; the work itself is in all of them.
      for (let attempt = 0; attempt < 5; attempt++) {
        const beforeBytes = usedBytes()
        const started = performance.now()
        await refused(decompress(frame, ZSTD_WIRE_LIMITS), reason)
        fastestMs = Math.min(fastestMs, performance.now() - started)
        leastBytes = Math.min(leastBytes, Math.abs(usedBytes() - beforeBytes))
      }
      assert.ok(fastestMs < 5, `${fastestMs} ms`)
      assert.ok(leastBytes < MIB, `${leastBytes} bytes`)
      assert.throws(
        () => zstdBound(frame, ZSTD_WIRE_LIMITS),
        error => isKefuError(error, 'KEFU_CODEC_INVALID'),
      )
    })
  }

  it('refuses every truncation', async () => {
    for (const whole of [
      await compress(prose(300)),
      zstdFrame({ size: 300n, sizeBytes: 2, hasChecksum: true }, [rleBlock(300)]),
    ])
      for (let length = 0; length < whole.length; length++)
        assert.throws(() => zstdBound(whole.subarray(0, length), ZSTD_WIRE_LIMITS), /truncated/, `${length}`)
  })

  it('bounds the windows of each set of limits', () => {
    const accepts = (window: number, limits: ZstdLimits) => {
      try {
        return zstdBound(zstdFrame({ window }, [rleBlock(10)]), limits)
      } catch {
        return undefined
      }
    }
    assert.deepEqual(
      [WINDOW.kib1, WINDOW.kib512, WINDOW.mib1, WINDOW.mib2].map(window => accepts(window, ZSTD_WIRE_LIMITS)),
      [10, 10, 10, undefined],
    )
    assert.deepEqual(
      [WINDOW.mib2, WINDOW.mib8, WINDOW.mib9, WINDOW.gib8].map(window => accepts(window, ZSTD_MEDIA_LIMITS)),
      [10, 10, undefined, undefined],
    )
  })

  it('adds up raw, run-length and compressed blocks', () => {
    const frame = zstdFrame({ window: WINDOW.kib512 }, [rawBlock(kib64.subarray(0, 100)), rleBlock(1000), denseBlock()])
    assert.equal(zstdBound(frame, ZSTD_MEDIA_LIMITS), 1100 + BLOCK)
    assert.equal(zstdBound(zstdFrame({ window: WINDOW.kib1 }, [denseBlock()]), ZSTD_MEDIA_LIMITS), KIB)
  })
})

describe('zstdBound fuzz', () => {
  const isExpectedError = (error: unknown) => isKefuError(error, 'KEFU_CODEC_INVALID')

  it('the bound is a number within the limits or the one error', async () => {
    const { values, errors } = await fuzzDecoder({
      name: 'zstdBound',
      seed: 11,
      corpus: await validFrames(),
      decode: bytes => zstdBound(bytes, ZSTD_WIRE_LIMITS),
      isExpectedError,
      check: bound => assert.ok(bound >= 0 && bound <= ZSTD_WIRE_LIMITS.outputLimitBytes + BLOCK),
    })
    assert.ok(values > 100 && errors > 100, `${values} values, ${errors} errors`)
  })
})

function fill<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item)
}

function usedBytes(): number {
  const heap = getHeapStatistics()
  return heap.used_heap_size + heap.external_memory
}
