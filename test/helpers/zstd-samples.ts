import assert from 'node:assert/strict'
import { compress } from '../../src/codec/zstd.js'
import { isKefuError } from '../../src/errors.js'
import { prose } from './sample-bytes.js'
import { rawBlock, rleBlock, WINDOW, zstdFrame } from './zstd-frames.js'

/** Valid frames of all shapes. */
export async function validFrames(): Promise<readonly Uint8Array[]> {
  const frames = [0, 5, 300, 5000].map(size => prose(size)).map(bytes => [compress(bytes), compressUndeclared(bytes)])
  return [
    ...(await Promise.all(frames.flat())),
    zstdFrame({ size: 300n, sizeBytes: 2 }, [rleBlock(300)]),
    zstdFrame({ window: WINDOW.kib512 }, [rawBlock(prose(20)), rleBlock(1000), rawBlock(prose(9))]),
    zstdFrame({ size: 16n, sizeBytes: 8, window: WINDOW.mib1 }, [rleBlock(7), rleBlock(9)]),
  ]
}

/** What a streaming encoder makes: no declared size. */
export async function compressUndeclared(bytes: Uint8Array): Promise<Uint8Array> {
  const zstd = await import('@mongodb-js/zstd/bindings.js')
  return zstd.compress(Buffer.from(bytes), 1)
}

/** Asserts that it is refused with `KEFU_CODEC_INVALID` and this reason. */
export async function refused(pending: Promise<unknown>, reason: RegExp): Promise<void> {
  await assert.rejects(pending, error => {
    assert.ok(isKefuError(error, 'KEFU_CODEC_INVALID'), String(error))
    assert.match(error.message, reason)
    return true
  })
}
