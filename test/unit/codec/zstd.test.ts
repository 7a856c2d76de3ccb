import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import {
  compress,
  decompress,
  ZSTD_MEDIA_LIMITS,
  ZSTD_WIRE_LIMITS,
  type ZstdLevel,
  zstdBound,
} from '../../../src/codec/zstd.js'
import { inspectZstd } from '../../../src/codec/zstd-bound.js'
import { isKefuError } from '../../../src/errors.js'
import { fuzzDecoder } from '../../helpers/mutate.js'
import { bits, prose } from '../../helpers/sample-bytes.js'
import { denseBlock, rleBlock, WINDOW, zstdFrame } from '../../helpers/zstd-frames.js'
import { compressUndeclared, refused, validFrames } from '../../helpers/zstd-samples.js'

const KIB = 1024
const MIB = 1024 * KIB
const BLOCK = 128 * KIB

const loadedAtStart = nativeModules()

describe('zstd', () => {
  it('loads the native module on first use', async () => {
    assert.deepEqual(loadedAtStart, [])
    await compress(Uint8Array.of(1))
    assert.notEqual(nativeModules().length, 0)
  })

  it('gives back what was compressed', async () => {
    await fc.assert(
      fc.asyncProperty(data(64 * KIB), fc.constantFrom<ZstdLevel>(1, 3, 9), async (bytes, level) => {
        const frame = await compress(bytes, level)
        assert.equal(zstdBound(frame, ZSTD_WIRE_LIMITS), bytes.length)
        assertSameBytes(await decompress(frame, ZSTD_WIRE_LIMITS), bytes)
      }),
      { numRuns: 200 },
    )
  })

  it('gives back up to 1 MiB', async () => {
    await fc.assert(
      fc.asyncProperty(data(MIB), fc.constantFrom<ZstdLevel>(1, 3, 6), async (bytes, level) => {
        const frame = await compress(bytes, level)
        assert.equal(zstdBound(frame, ZSTD_MEDIA_LIMITS), bytes.length)
        assertSameBytes(await decompress(frame, ZSTD_MEDIA_LIMITS), bytes)
      }),
      { numRuns: 30 },
    )
  })

  it('compresses better at a higher level', async () => {
    const bytes = prose(200 * KIB)
    const sizes = await Promise.all(([1, 19] as const).map(async level => (await compress(bytes, level)).length))
    assert.ok(sizes[1]! < sizes[0]! * 0.9, `${sizes}`)
  })

  it('writes the frames of these vectors', async () => {
    // Magic; descriptor: single segment, one byte of size; size; last block, raw, 5 bytes.
    assert.equal(hex(await compress(Buffer.from('kefu!'))), '28b52ffd2005290000' + '6b65667521')
    assert.equal(hex(await compress(new Uint8Array(0))), '28b52ffd2000010000')
  })

  it('reads the frames of these vectors', async () => {
    const cases: readonly (readonly [frame: string, content: string])[] = [
      ['28b52ffd2000010000', ''],
      ['28b52ffd0050290000' + '6b65667521', 'kefu!'],
      ['28b52ffd20052b000061', 'aaaaa'],
      ['28b52ffd60000003080061', 'a'.repeat(256)],
      ['28b52ffdc0480500000000000000' + '290000' + '6b65667521', 'kefu!'],
    ]
    for (const [frame, content] of cases)
      assert.equal(Buffer.from(await decompress(Buffer.from(frame, 'hex'), ZSTD_WIRE_LIMITS)).toString(), content)
  })

  it('does not read its input after it returned', async () => {
    const bytes = prose(MIB)
    const frame = await compress(bytes)
    // More than there are worker threads: some of them start after the input is gone.
    const pending = Array.from({ length: 8 }, () => {
      const input = Uint8Array.from(frame)
      const output = decompress(input, ZSTD_MEDIA_LIMITS)
      input.fill(0)
      return output
    })
    for (const output of pending) assertSameBytes(await output, bytes)
  })
})

describe('zstd near the limits', () => {
  it('accepts exactly the output limit and refuses one byte more, declared or not', async () => {
    for (const limits of [ZSTD_WIRE_LIMITS, ZSTD_MEDIA_LIMITS]) {
      const bytes = prose(limits.outputLimitBytes + 1)
      const fits = bytes.subarray(1)
      for (const level of limits === ZSTD_WIRE_LIMITS ? ([1, 3, 19] as const) : ([1] as const)) {
        assertSameBytes(await decompress(await compress(fits, level), limits), fits)
        await refused(decompress(await compress(bytes, level), limits), /declares \d+ bytes, the limit is/)
      }
      assertSameBytes(await decompress(await compressUndeclared(fits), limits), fits)
      await refused(decompress(await compressUndeclared(bytes), limits), /expands? to \d+ bytes/)
    }
  })

  it('keeps a window of one segment only where the data is not larger', async () => {
    const large = inspectZstd(await compress(prose(3 * MIB), 1), ZSTD_MEDIA_LIMITS)
    assert.deepEqual([large.declaredBytes, large.windowBytes], [3 * MIB, 512 * KIB])
    const small = inspectZstd(await compress(prose(300 * KIB), 1), ZSTD_MEDIA_LIMITS)
    assert.deepEqual([small.declaredBytes, small.windowBytes], [300 * KIB, 300 * KIB])
  })

  it('accepts small blocks beyond the limit when the size is declared', async () => {
    const blocks = [...Array.from({ length: 4 }, () => denseBlock()), rleBlock(7)]
    const size = 4 * BLOCK + 7
    const limits = { outputLimitBytes: size, windowLimitBytes: MIB }
    const frame = zstdFrame({ size: BigInt(size), window: WINDOW.kib512 }, blocks)
    assert.equal((await decompress(frame, limits)).length, size)
    // The same size in more blocks than it can fill: only a declared size tells them from a bomb.
    const split = [...Array.from({ length: 4 }, () => denseBlock()), ...Array.from({ length: 7 }, () => rleBlock(1))]
    const smallDense = { type: 2, size: 2, content: Uint8Array.of(0x00, 0x00) } as const
    const padded = [...split, smallDense, smallDense, smallDense]
    await refused(decompress(zstdFrame({ window: WINDOW.kib512 }, padded), limits), /without a size may expand/)
    assert.equal(inspectZstd(zstdFrame({ size: BigInt(size), window: WINDOW.kib512 }, padded), limits).boundBytes, size)
  })

  it('holds a frame to its declared size while it decompresses', async () => {
    // 1 MiB is declared, 500 MiB come out of a decoder that looks at the size when it is done.
    const blocks = Array.from({ length: 4000 }, () => denseBlock())
    for (const window of [WINDOW.kib512, WINDOW.mib8]) {
      const frame = zstdFrame({ size: BigInt(MIB), window }, blocks)
      assert.equal(inspectZstd(frame, ZSTD_MEDIA_LIMITS).blockBoundBytes, 4000 * BLOCK)
      const peakKib = process.resourceUsage().maxRSS
      await refused(decompress(frame, ZSTD_MEDIA_LIMITS), /damaged/)
      const growthKib = process.resourceUsage().maxRSS - peakKib
      assert.ok(growthKib < 64 * KIB, `the peak grew by ${growthKib} KiB`)
    }
  })

  it('refuses damaged content with its one error', async () => {
    const frame = Uint8Array.from(await compress(prose(10_000)))
    frame.fill(0xff, 30, 60)
    await refused(decompress(frame, ZSTD_WIRE_LIMITS), /damaged/)
  })

  it('checks the checksum that a frame carries', async () => {
    await refused(decompress(zstdFrame({ size: 5n, hasChecksum: true }, [rleBlock(5)]), ZSTD_WIRE_LIMITS), /damaged/)
  })
})

describe('zstd frames of the zstd program', () => {
  const program = spawnSync('zstd', ['--version']).status === 0
  const folder = mkdtempSync(join(tmpdir(), 'kefu-zstd-'))
  after(() => rmSync(folder, { recursive: true }))
  const cli = (args: readonly string[], input: Uint8Array) =>
    execFileSync('zstd', [...args, '-q', '-c', '-'], { input, maxBuffer: 64 * MIB })
  const skip = program ? false : 'the zstd program is not installed'

  it('accepts levels 1, 3 and 19, with a size and without, with a checksum and without', { skip }, async () => {
    const bytes = prose(300 * KIB)
    const path = join(folder, 'prose')
    writeFileSync(path, bytes)
    for (const level of ['-1', '-3', '-19'])
      for (const checksum of ['--check', '--no-check']) {
        const declared = execFileSync('zstd', [level, checksum, '-q', '-c', path], { maxBuffer: 64 * MIB })
        assert.equal(zstdBound(declared, ZSTD_MEDIA_LIMITS), bytes.length)
        assertSameBytes(await decompress(declared, ZSTD_MEDIA_LIMITS), bytes)
        const streamed = cli([level, checksum], bytes)
        assert.ok(zstdBound(streamed, ZSTD_MEDIA_LIMITS) >= bytes.length)
        assertSameBytes(await decompress(streamed, ZSTD_MEDIA_LIMITS), bytes)
      }
  })

  it('accepts a file whose blocks were split, up to the output limit', { skip }, async () => {
    // Level 19 cuts mixed data into small blocks, whose bound is over the limit while the declared size is not.
    const bytes = Buffer.concat([0, 1, 2, 3, 4, 5].map(i => (i % 2 === 0 ? prose(150_000 + i) : bits(100_000 + i))))
    const path = join(folder, 'mixed')
    writeFileSync(path, bytes)
    const frame = execFileSync('zstd', ['-19', '-q', '-c', path], { maxBuffer: 64 * MIB })
    const limits = { ...ZSTD_MEDIA_LIMITS, outputLimitBytes: bytes.length }
    const { blockBoundBytes } = inspectZstd(frame, limits)
    assert.ok(blockBoundBytes > bytes.length + BLOCK, `${blockBoundBytes}`)
    assertSameBytes(await decompress(frame, limits), bytes)
  })

  it('accepts a long window only within the limit', { skip }, async () => {
    const bytes = prose(MIB)
    const path = join(folder, 'long')
    writeFileSync(path, bytes)
    const declared = execFileSync('zstd', ['--long=27', '-q', '-c', path], { maxBuffer: 64 * MIB })
    assertSameBytes(await decompress(declared, ZSTD_MEDIA_LIMITS), bytes)
    await refused(decompress(cli(['--long=27'], bytes), ZSTD_MEDIA_LIMITS), /window of 134217728 bytes/)
    await refused(decompress(cli(['--long=24'], bytes), ZSTD_MEDIA_LIMITS), /window of 16777216 bytes/)
    assertSameBytes(await decompress(cli(['--long=23'], bytes), ZSTD_MEDIA_LIMITS), bytes)
  })

  it('can read what compress writes', { skip }, async () => {
    for (const size of [0, 1, 255, 256, 100_000, 3 * MIB]) {
      const bytes = prose(size)
      const input = await compress(bytes)
      assertSameBytes(execFileSync('zstd', ['-d', '-q', '-c', '-'], { input, maxBuffer: 64 * MIB }), bytes)
    }
  })
})

describe('zstd fuzz', () => {
  const isExpectedError = (error: unknown) => isKefuError(error, 'KEFU_CODEC_INVALID')

  it('decompression gives bytes within the bound or the one error', async () => {
    const { values, errors } = await fuzzDecoder({
      name: 'zstd decompress',
      seed: 12,
      corpus: await validFrames(),
      decode: bytes => decompress(bytes, ZSTD_WIRE_LIMITS),
      isExpectedError,
      check: (output, bytes) => assert.ok(output.length <= zstdBound(bytes, ZSTD_WIRE_LIMITS)),
    })
    assert.ok(values > 100 && errors > 100, `${values} values, ${errors} errors`)
  })
})

/** Byte arrays that compress well, badly, and in parts. */
function data(maxBytes: number): fc.Arbitrary<Uint8Array> {
  const size = fc.oneof(fc.nat(300), fc.nat(maxBytes))
  return fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    size.map(prose),
    size.map(bits),
    fc.tuple(size, fc.nat(255)).map(([length, byte]) => new Uint8Array(length).fill(byte)),
    fc.tuple(size, size).map(([a, b]) => Buffer.concat([prose(a >> 1), bits(b >> 1)])),
  )
}

function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length)
  assert.equal(Buffer.compare(actual, expected), 0)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function nativeModules(): string[] {
  return Object.keys(createRequire(import.meta.url).cache).filter(
    path => path.includes('zstd') && path.endsWith('.node'),
  )
}
