import { createReadStream } from 'node:fs'
import { KefuError } from '../../../errors.js'

const LIMIT_BYTES = 256 * 1024

/** The JSON of a policy file; `-` is standard input. Throws `KEFU_POLICY_INVALID`. */
export async function readPolicyFile(path: string): Promise<unknown> {
  const text = await readBounded(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`it is not JSON: ${reason.replace(/\s+/g, ' ')}`, error)
  }
}

async function readBounded(path: string): Promise<string> {
  const input = path === '-' ? process.stdin : createReadStream(path)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > LIMIT_BYTES) break
      chunks.push(chunk)
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw invalid(`${path} cannot be read (${code})`, error)
  }
  if (bytes > LIMIT_BYTES) throw invalid(`it is larger than ${LIMIT_BYTES / 1024} KiB`)
  return Buffer.concat(chunks).toString('utf8')
}

function invalid(reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_POLICY_INVALID', { reason }, { cause })
}
