import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ByteReader } from '../../src/daemon/store/level/byte-reader.js'
import { unpackSnappy } from '../../src/daemon/store/level/snappy.js'

const FOOTER_BYTES = 48

/** Names of the files of a folder in which one of the texts is: as it is, in UTF-16, or within a block of a table file. */
export function filesWith(folder: string, texts: readonly string[]): string[] {
  const forms = texts.flatMap(text => {
    const wide = Buffer.from(text, 'utf16le')
    return [Buffer.from(text), wide, Buffer.from(wide).swap16()]
  })
  const has = (bytes: Uint8Array) => forms.some(form => Buffer.from(bytes).includes(form))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return files
    .filter(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name))
      return has(bytes) || (name.endsWith('.ldb') && tableBlocks(bytes).some(has))
    })
    .map(({ name }) => name)
}

/** The data blocks of a table file, unpacked. */
export function tableBlocks(bytes: Uint8Array): Uint8Array[] {
  const footer = new ByteReader(bytes, bytes.length - FOOTER_BYTES)
  handle(footer)
  const index = block(bytes, handle(footer))
  const end = index.length - 4 * (new ByteReader(index, index.length - 4).fixed(4) + 1)
  const entries = new ByteReader(index)
  const blocks: Uint8Array[] = []
  while (entries.at < end) {
    entries.varint()
    const unshared = entries.varint()
    const length = entries.varint()
    entries.skip(unshared)
    blocks.push(block(bytes, handle(new ByteReader(entries.take(length)))))
  }
  return blocks
}

type Handle = { readonly offset: number; readonly length: number }

function handle(reader: ByteReader): Handle {
  return { offset: reader.varint(), length: reader.varint() }
}

function block(bytes: Uint8Array, { offset, length }: Handle): Uint8Array {
  const content = bytes.subarray(offset, offset + length)
  return bytes[offset + length] === 0 ? content : unpackSnappy(content)
}
