import { open } from 'node:fs/promises'
import { KefuError } from '../../../errors.js'
import { readHidden } from '../../_cli/hidden-prompt.js'

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
  return checkToken(await readHidden('Token of the agent', process.stdin, process.stderr))
}

/** A token without the white space around it. Throws `KEFU_USAGE` for what cannot be one; never tells what it was. */
export function checkToken(text: string): string {
  const token = text.trim()
  if (!TOKEN.test(token)) throw new KefuError('KEFU_USAGE', { reason: 'what was given is not a token' })
  return token
}
