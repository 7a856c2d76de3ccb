import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { toBase32 } from '../../src/codec/base32.js'
import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import type { MediaPort } from '../../src/daemon/core/media.js'
import { createMediaStore } from '../../src/daemon/media/store.js'
import { isKefuError, type KefuError } from '../../src/errors.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'

/** A conversation id of a test's own. */
export function conversation(seed: number): ConversationId {
  return formatConversationId(Buffer.alloc(16, seed))
}

/** Bytes that look like a file of a type and do not compress. */
export function sample(type: 'png' | 'mp4' | 'pdf' | 'bin', sizeBytes: number): Buffer {
  const magic = { png: '\x89PNG\r\n\x1a\n', mp4: '\0\0\0\x18ftypisom', pdf: '%PDF-1.7\n', bin: '\0\xff' }[type]
  const bytes = randomBytes(sizeBytes)
  Buffer.from(magic, 'latin1').copy(bytes)
  return bytes
}

/** Readable text that compresses well, of about this size. */
export function sampleText(sizeBytes: number): Buffer {
  const lines: string[] = []
  for (let bytes = 0; bytes < sizeBytes; ) {
    const line = `${toBase32(randomBytes(5))} 订单已发货, thank you for waiting\n`
    lines.push(line)
    bytes += Buffer.byteLength(line)
  }
  return Buffer.from(lines.join(''))
}

/** What a sweep told. */
export type Swept = { readonly files: number; readonly failures: number }

/** A store in a folder, on a manual clock, that keeps what it reports. */
export async function openStore(
  path: string,
  options: { readonly fileLimitBytes?: number; readonly inflatedLimitBytes?: number } = {},
  clock: ManualClock = createManualClock(),
): Promise<{ readonly store: MediaPort; readonly reported: KefuError[]; readonly swept: Swept[] }> {
  const reported: KefuError[] = []
  const swept: Swept[] = []
  const store = await createMediaStore(
    { clock, random: randomBytes, report: error => reported.push(error), swept: sweep => swept.push(sweep) },
    { path, fileLimitBytes: 20 * 1024 * 1024, ...options },
  )
  return { store, reported, swept }
}

/** All bytes of what a read gave. */
export async function collect(body: Uint8Array | Readable): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** SHA-256 in hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Whether a store has a file. */
export async function isKept(store: MediaPort, conversation: ConversationId, media: string): Promise<boolean> {
  try {
    await store.open(conversation, media)
    return true
  } catch (error) {
    if (isKefuError(error, 'KEFU_MEDIA_NOT_FOUND')) return false
    throw error
  }
}
