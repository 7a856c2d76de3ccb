import { open } from 'node:fs/promises'
import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'

/** Flags of commands that take a text which may be too long for an argument. */
export const TEXT_FLAGS = {
  'from-file': string({ helpValue: 'FILE', exclusive: ['stdin'], summary: 'take the text from a file' }),
  stdin: boolean({ summary: 'take the text from standard input' }),
}

/** Where a text may come from. */
export type TextSources = {
  readonly argument: string | undefined
  readonly 'from-file'?: string | undefined
  readonly stdin?: boolean | undefined
}

const LIMIT_BYTES = 64 * 1024

/** The text that was given, without the line feed at its end; undefined when none was. Throws `KEFU_USAGE`. */
export async function givenText(sources: TextSources): Promise<string | undefined> {
  const { argument, 'from-file': file, stdin = false } = sources
  if (argument !== undefined && (file !== undefined || stdin))
    throw usage('give the text as an argument, with --from-file or with --stdin, one of them')
  if (argument !== undefined) return argument
  if (file === undefined && !stdin) return undefined
  const bytes = file === undefined ? await readStdin() : await readFile(file)
  if (bytes.length > LIMIT_BYTES) throw usage(`the text is longer than ${LIMIT_BYTES} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n').replace(/\n$/, '')
  } catch (cause) {
    throw new KefuError('KEFU_USAGE', { reason: 'the text is not UTF-8' }, { cause })
  }
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > LIMIT_BYTES) break
  }
  return Buffer.concat(chunks)
}

async function readFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LIMIT_BYTES + 1), 0, LIMIT_BYTES + 1, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new KefuError('KEFU_USAGE', { reason: `the file ${path} cannot be read (${code})` }, { cause })
  }
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
