import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { KefuError } from '../../../errors.js'

/** A line of an export: its number in the file (from 1) and its value, or what is wrong with it. */
export type ImportLine =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly reason: string }

/** Longer than the line of any record can be. */
const LINE_LIMIT_LENGTH = 256 * 1024

/** The lines of a file, or of standard input (`-`), one after the other; `onBytes` is told how many bytes have been read. Throws `KEFU_USAGE` where it cannot be read. */
export async function* importLinesOf(file: string, onBytes: (bytes: number) => void): AsyncGenerator<ImportLine> {
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file)
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let number = 0
  let isSkipping = false
  let bytes = 0
  const lineOf = (text: string): ImportLine | undefined => {
    number++
    const isLate = isSkipping
    isSkipping = false
    if (isLate || text.length > LINE_LIMIT_LENGTH)
      return { number, reason: `longer than ${LINE_LIMIT_LENGTH} characters` }
    const bare = number === 1 ? text.replace(/^\u{feff}/u, '') : text
    return bare.trim() === '' ? undefined : parsed(number, bare)
  }
  try {
    for await (const chunk of input) {
      bytes += chunk.length
      onBytes(bytes)
      const texts = (rest + decoder.write(chunk)).split('\n')
      rest = texts.pop() ?? ''
      for (const text of texts) {
        const line = lineOf(text)
        if (line !== undefined) yield line
      }
      if (rest.length <= LINE_LIMIT_LENGTH) continue
      // Its end is waited for without it.
      rest = ''
      isSkipping = true
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (code === undefined || error instanceof KefuError) throw error
    throw new KefuError('KEFU_USAGE', { reason: `${file} cannot be read: ${code}` }, { cause: error })
  }
  const last = rest + decoder.end()
  if (last === '' && !isSkipping) return
  const line = lineOf(last)
  if (line !== undefined) yield line
}

function parsed(number: number, text: string): ImportLine {
  try {
    return { number, value: JSON.parse(text) }
  } catch {
    return { number, reason: 'it is not JSON' }
  }
}
