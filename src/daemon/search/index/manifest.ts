import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '../../../codec/crc32c.js'
import { FOLDING } from '../query/fold.js'
import { replaceFile } from './files.js'
import { BLOCK_DOCS, GROUP_DOCS } from './shape.js'

/** Of what an index consists: its files, and up to which record it knows the log. What it does not name does not belong to it. */
export type Manifest = {
  readonly indexedSeq: number
  /** The number of the next file: no number is used again. */
  readonly nextFile: number
  /** Ascending by their records. Neighbours of a level are merged into one of the next. */
  readonly segments: readonly FileEntry[]
  /** The newest records, without terms. */
  readonly tail?: FileEntry
}

/** A file of an index. */
export type FileEntry = { readonly file: number; readonly bytes: number; readonly level: number }

/** Name of the file that says what the others are. */
export const MANIFEST_NAME = 'manifest'

/** Files of another form or shape are of no use. */
const FORMAT = `1/${BLOCK_DOCS}/${GROUP_DOCS}`

/** Puts another manifest in the place of the old one; on return it is on disk. Throws what the system throws. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const content = JSON.stringify({ format: FORMAT, folding: FOLDING, ...manifest })
  await replaceFile(folder, MANIFEST_NAME, Buffer.from(`${checksum(content)} ${content}\n`))
}

/** The manifest; undefined when there is none. Throws a RangeError for one that cannot be used. */
export function readManifest(folder: string): Manifest | undefined {
  let text: string
  try {
    text = readFileSync(join(folder, MANIFEST_NAME), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const content = text.slice(9, -1)
  if (text !== `${checksum(content)} ${content}\n`) throw new RangeError('wrong checksum')
  const { format, folding, ...manifest } = JSON.parse(content) as Manifest & { format: string; folding: string }
  if (format !== FORMAT) throw new RangeError(`format ${format}`)
  if (folding !== FOLDING) throw new RangeError(`texts were folded in the way ${folding}`)
  return manifest
}

function checksum(content: string): string {
  const bytes = Buffer.from(content)
  return crc32c(new DataView(bytes.buffer, bytes.byteOffset, bytes.length))
    .toString(16)
    .padStart(8, '0')
}
