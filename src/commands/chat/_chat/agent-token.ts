import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { KefuError } from '../../../errors.js'

const TOKEN_LIMIT_BYTES = 4_096
const TOKEN = /^[\x21-\x7e]{1,1024}$/

/** The token in a file's first line. Throws `KEFU_USAGE`. */
export async function tokenFromFile(path: string): Promise<string> {
  let text: string
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(TOKEN_LIMIT_BYTES), 0, TOKEN_LIMIT_BYTES, 0)
      text = buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new KefuError('KEFU_USAGE', { reason: `the token file ${path} cannot be read (${code})` }, { cause })
  }
  return checkToken(text.split('\n')[0] ?? '')
}

/** Asks for the token without showing it. */
export async function askForToken(): Promise<string> {
  process.stderr.write('Token of the agent (input hidden): ')
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true })
  reader.on('SIGINT', () => reader.close())
  try {
    return checkToken(
      await new Promise<string>((resolve, reject) => {
        reader.once('line', resolve)
        reader.once('close', () => reject(new KefuError('KEFU_ABORTED')))
      }),
    )
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}

/** A token without the white space around it. Throws `KEFU_USAGE` for what cannot be one; never tells what it was. */
export function checkToken(text: string): string {
  const token = text.trim()
  if (!TOKEN.test(token)) throw new KefuError('KEFU_USAGE', { reason: 'what was given is not a token' })
  return token
}
