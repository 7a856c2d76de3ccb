import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Level } from 'level'
import { crc32c } from '../../src/codec/crc32c.js'
import { liveTables } from '../../src/daemon/store/level/manifest.js'
import { unpackSnappy } from '../../src/daemon/store/level/snappy.js'
import { findBadBlocks, type TableFile } from '../../src/daemon/store/level/table.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'

describe('store: table files', () => {
  test('CRC-32C of the test vectors of RFC 3720', () => {
    const vectors: readonly [Uint8Array, number][] = [
      [new Uint8Array(32), 0x8a9136aa],
      [new Uint8Array(32).fill(0xff), 0x62a8ab43],
      [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
      [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
      [Buffer.from('123456789'), 0xe3069283],
      [new Uint8Array(0), 0],
    ]
    for (const [bytes, crc] of vectors) assert.equal(crc32c(viewOf(bytes)), crc)
    const long = Uint8Array.from({ length: 1_000 }, (_, i) => (i * 31) & 0xff)
    for (let from = 0; from < 40; from++)
      assert.equal(crc32c(viewOf(long), from, 900), crc32c(viewOf(long.slice(from, 900))))
  })

  test('Snappy blocks: literals, near and far copies, overlapping ones', () => {
    const unpack = (hex: string) => Buffer.from(unpackSnappy(Buffer.from(hex, 'hex'))).toString()
    assert.equal(unpack('00'), '')
    assert.equal(unpack('030868656c'), 'hel')
    // A literal of two, then ten bytes from two before, in the three forms of a copy: it may read what it writes.
    assert.equal(unpack('0c0461621902'), 'abababababab')
    assert.equal(unpack('0c046162260200'), 'abababababab')
    assert.equal(unpack('0c0461622702000000'), 'abababababab')
    for (const hex of ['05', '050868', '0308', '0300611902', 'ffffffffff'])
      assert.throws(() => unpackSnappy(Buffer.from(hex, 'hex')), RangeError)
  })

  for (const compression of [true, false]) {
    test(`every flipped bit of a ${compression ? 'compressed' : 'plain'} table is found`, async t => {
      const folder = join(tmpDir(t), 'db')
      const random = new Random(5)
      const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', compression } as const
      const db = new Level<Buffer, Buffer>(folder, options)
      for (let batch = 0; batch < 3; batch++)
        await db.batch(
          Array.from({ length: 300 }, (_, i) => ({
            type: 'put' as const,
            key: Buffer.from(`key-${String(batch * 300 + i).padStart(6, '0')}`),
            value: Buffer.from(i % 2 === 0 ? 'repeated '.repeat(random.integer(1, 40)) : randomText(random)),
          })),
        )
      await db.close()
      // Opening writes the log into a table.
      const again = new Level<Buffer, Buffer>(folder, options)
      await again.open()
      await again.close()
      const tables = await liveTables(folder)
      const names = readdirSync(folder).filter(name => name.endsWith('.ldb'))
      assert.deepEqual([...tables!].map(([number]) => `${String(number).padStart(6, '0')}.ldb`).sort(), names.sort())
      for (const name of names) {
        const file = readFileSync(join(folder, name))
        assert.equal(tables!.get(Number.parseInt(name, 10)), file.length)
        assert.deepEqual(await findBadBlocks(fileOf(file)), [])
        for (let i = 0; i < 300; i++) {
          // The footer's padding means nothing, and a wrong end is LevelDB's to refuse.
          const at = random.integer(0, file.length - 49)
          const bit = 1 << random.integer(0, 7)
          file[at]! ^= bit
          assert.notEqual((await findBadBlocks(fileOf(file))).length, 0, `byte ${at} of ${file.length}`)
          file[at]! ^= bit
        }
      }
    })
  }

  test('a table of many reads, with a block larger than one, is verified as a whole', async t => {
    const folder = join(tmpDir(t), 'db')
    const random = new Random(6)
    const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false } as const
    const large = { ...options, writeBufferSize: 16 * 1024 * 1024, maxFileSize: 16 * 1024 * 1024 }
    const db = new Level<Buffer, Buffer>(folder, large)
    for (let i = 0; i < 40; i++)
      await db.put(Buffer.from(`key-${i}`), Buffer.alloc(i === 20 ? 1_500_000 : 70_000, i + 1))
    await db.close()
    const again = new Level<Buffer, Buffer>(folder, large)
    await again.open()
    await again.close()
    const [name] = readdirSync(folder).filter(each => each.endsWith('.ldb'))
    const file = readFileSync(join(folder, name!))
    assert.ok(file.length > 4_000_000)
    assert.deepEqual(await findBadBlocks(fileOf(file)), [])
    for (let i = 0; i < 40; i++) {
      const at = random.integer(0, file.length - 49)
      file[at]! ^= 1
      const bad = await findBadBlocks(fileOf(file))
      assert.equal(bad.length, 1, `byte ${at} of ${file.length}`)
      file[at]! ^= 1
    }
  })
})

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length)
}

function fileOf(bytes: Uint8Array): TableFile {
  return {
    size: bytes.length,
    async read(into, position) {
      assert.ok(position + into.length <= bytes.length, 'a read past the end')
      into.set(bytes.subarray(position, position + into.length))
    },
  }
}

function randomText(random: Random): string {
  return Array.from({ length: random.integer(1, 200) }, () => String.fromCharCode(random.integer(33, 126))).join('')
}
