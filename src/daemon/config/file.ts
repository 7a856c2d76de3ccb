import { readFile, stat } from 'node:fs/promises'
import { KefuError } from '../../errors.js'

const FILE_LIMIT_BYTES = 1024 * 1024
const DEPTH_LIMIT = 4

/** A value of the file, a list of values as an array, and where it stands. */
export type FileEntry = { readonly key: string; readonly value: unknown; readonly line: number }

/**
 * Every value of a `kefu.yaml` by its dotted key, in file order; `undefined` when there is no such file. Keys are not checked against the table.
 * Throws `KEFU_CONFIG_INVALID` for a file that cannot be read, is larger than 1 MiB, or is not YAML made of sections and values.
 */
export async function readConfigFile(path: string): Promise<readonly FileEntry[] | undefined> {
  const text = await readText(path)
  if (text === undefined) return undefined
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fault = document.errors[0]
  if (fault !== undefined) throw invalid(`${path}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`)
  const entries: FileEntry[] = []
  const walk = (node: unknown, prefix: string, depth: number): void => {
    if (!isMap(node) || depth > DEPTH_LIMIT)
      throw invalid(`${path}: ${prefix || 'the file'} is not made of sections and values`)
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const line = isScalar(key) && key.range ? lines.linePos(key.range[0]).line : 0
      if (name === '' || name.includes('.'))
        throw invalid(`${path}:${line}: write dotted keys as sections, such as "http:" with "port:" indented below`)
      const path_ = prefix === '' ? name : `${prefix}.${name}`
      if (isMap(value)) walk(value, path_, depth + 1)
      else if (isScalar(value)) entries.push({ key: path_, value: value.value, line })
      else if (isSeq(value) && value.items.every(isScalar))
        entries.push({ key: path_, value: value.items.map(item => item.value), line })
      else if (value === null) entries.push({ key: path_, value: null, line })
      else throw invalid(`${path}:${line}: ${path_} is neither a value nor a section`)
    }
  }
  if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null))
    walk(document.contents, '', 0)
  return entries
}

/** The text of a configuration file; `undefined` when there is none. Throws `KEFU_CONFIG_INVALID`. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path)
    if (size > FILE_LIMIT_BYTES) throw invalid(`${path} is larger than ${FILE_LIMIT_BYTES} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof KefuError) throw error
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))
      return undefined
    throw new KefuError(
      'KEFU_CONFIG_INVALID',
      { reason: `${path} cannot be read (${reasonOf(error)})` },
      { cause: error },
    )
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CONFIG_INVALID', { reason })
}
