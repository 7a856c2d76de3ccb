import { randomBytes } from 'node:crypto'
import { mkdir, open, realpath, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KefuError } from '../../errors.js'
import { readText } from './file.js'
import { type ConfigKey, configRow } from './schema.js'
import { type ConfigValue, formatValue, isSameValue, parseValue } from './value.js'

const FILE_MODE = 0o640
const FOLDER_MODE = 0o700

/** Reads a value that a person gave for a key. Throws `KEFU_CONFIG_INVALID` with what is allowed. */
export function checkedValue(key: ConfigKey, text: string): ConfigValue {
  const parsed = parseValue(configRow(key), text)
  if (parsed.ok) return parsed.value
  throw new KefuError('KEFU_CONFIG_INVALID', { reason: `${key} ${parsed.problem}; allowed is ${parsed.allowed}` })
}

/**
 * Writes one key into the file, keeping its comments and everything else; makes the file when there is none. The new file is complete and on
 * disk before it takes the old one's place (mode 0640). `false` when the file had this value already.
 * Throws `KEFU_CONFIG_INVALID` (the value, or a file that is not valid YAML), `KEFU_STORE_UNWRITABLE`.
 */
export async function setInFile(path: string, key: ConfigKey, value: ConfigValue): Promise<boolean> {
  const { isCollection } = await import('yaml')
  const row = configRow(key)
  const written = row.type === 'duration' || row.type === 'size' ? formatValue(row, value) : value
  return edit(path, document => {
    const held = document.getIn(key.split('.'))
    const present = parseValue(row, isCollection(held) ? held.toJSON() : held)
    if (present.ok && isSameValue(present.value, value)) return false
    document.setIn(key.split('.'), written)
    return true
  })
}

/** Removes one key from the file, and its section when that leaves it empty. `false` when the file does not have it. Throws as `setInFile`. */
export async function unsetInFile(path: string, key: ConfigKey): Promise<boolean> {
  const { isMap } = await import('yaml')
  return edit(path, document => {
    const keys = key.split('.')
    if (!document.hasIn(keys)) return false
    document.deleteIn(keys)
    const section = keys.slice(0, -1)
    const left = section.length > 0 ? document.getIn(section) : undefined
    if (isMap(left) && left.items.length === 0) document.deleteIn(section)
    return true
  })
}

type Document = ReturnType<typeof import('yaml').parseDocument>

async function edit(path: string, change: (document: Document) => boolean): Promise<boolean> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument((await readText(path)) ?? '', { lineCounter: lines, prettyErrors: false })
  const fault = document.errors[0]
  if (fault !== undefined) {
    const { line } = lines.linePos(fault.pos[0])
    throw new KefuError('KEFU_CONFIG_INVALID', { reason: `${path}:${line}: ${fault.message}` })
  }
  const { contents } = document
  if (contents !== null && !isMap(contents)) {
    if (!isScalar(contents) || (contents as { value: unknown }).value !== null)
      throw new KefuError('KEFU_CONFIG_INVALID', { reason: `${path}: the file is not made of sections and values` })
    document.contents = null
  }
  if (!change(document)) return false
  const isEmpty = isMap(document.contents) && document.contents.items.length === 0
  if (isEmpty) document.contents = null
  await replaceFile(path, isEmpty && document.commentBefore === null ? '' : String(document).replace(/^null\n/m, ''))
  return true
}

async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
    // A link stays a link: what it points to is replaced.
    const target = await realpath(path).catch(() => path)
    const fresh = join(dirname(target), `.kefu-${randomBytes(6).toString('hex')}.yaml`)
    const file = await open(fresh, 'wx', FILE_MODE)
    try {
      await file.writeFile(text)
      await file.chmod(FILE_MODE)
      await file.sync()
      await file.close()
      await rename(fresh, target)
    } catch (error) {
      await file.close().catch(() => undefined)
      await unlink(fresh).catch(() => undefined)
      throw error
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path: dirname(path), reason }, { cause: error })
  }
}
