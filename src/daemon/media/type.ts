import { isUtf8 } from 'node:buffer'
import { type MediaType, UNKNOWN_TYPE } from '../core/media.js'

/** What a file is, and whether compressing it may pay. */
export type Detected = { readonly type: MediaType; readonly isText: boolean }

type Magic = {
  readonly at: number
  readonly bytes: string
  readonly type: MediaType
  /** The same container carries these, too: the sender's word decides. */
  readonly or?: MediaType
}

// Texts are Latin-1, one character a byte.
const MAGIC: readonly Magic[] = [
  { at: 0, bytes: '\x89PNG\r\n\x1a\n', type: 'image/png' },
  { at: 0, bytes: '\xff\xd8\xff', type: 'image/jpeg' },
  { at: 0, bytes: 'GIF87a', type: 'image/gif' },
  { at: 0, bytes: 'GIF89a', type: 'image/gif' },
  { at: 8, bytes: 'WEBP', type: 'image/webp' },
  { at: 4, bytes: 'ftypavif', type: 'image/avif' },
  { at: 4, bytes: 'ftypheic', type: 'image/heic' },
  { at: 4, bytes: 'ftypheix', type: 'image/heic' },
  { at: 4, bytes: 'ftypmif1', type: 'image/heic' },
  { at: 4, bytes: 'ftypM4A ', type: 'audio/mp4' },
  { at: 4, bytes: 'ftypqt  ', type: 'video/quicktime' },
  { at: 4, bytes: 'ftyp', type: 'video/mp4', or: 'audio/mp4' },
  { at: 0, bytes: '\x1a\x45\xdf\xa3', type: 'video/webm', or: 'audio/webm' },
  { at: 0, bytes: 'OggS', type: 'audio/ogg', or: 'video/ogg' },
  { at: 8, bytes: 'WAVE', type: 'audio/wav' },
  { at: 0, bytes: 'fLaC', type: 'audio/flac' },
  { at: 0, bytes: '#!AMR', type: 'audio/amr' },
  { at: 0, bytes: 'ID3', type: 'audio/mpeg' },
  { at: 0, bytes: '\xff\xfb', type: 'audio/mpeg' },
  { at: 0, bytes: '\xff\xf3', type: 'audio/mpeg' },
  { at: 0, bytes: '\xff\xf2', type: 'audio/mpeg' },
  { at: 0, bytes: '\xff\xf1', type: 'audio/aac' },
  { at: 0, bytes: '\xff\xf9', type: 'audio/aac' },
  { at: 0, bytes: '%PDF-', type: 'application/pdf' },
]

const BITMAP_HEADER_BYTES = 26
const HEAD_BYTES = 64

/** What the bytes are. The sender's `Content-Type` only chooses among what they can be. */
export function detectType(bytes: Uint8Array, declared: string | undefined): Detected {
  const hint = (declared ?? '').slice(0, 200).split(';', 1)[0]!.trim().toLowerCase()
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).toString('latin1')
  const isText = !bytes.includes(0) && isUtf8(bytes)
  const magic = MAGIC.find(({ at, bytes: mark }) => head.startsWith(mark, at))
  if (magic !== undefined && isWhole(magic, head)) return { type: magic.or === hint ? hint : magic.type, isText: false }
  if (isBitmap(bytes)) return { type: 'image/bmp', isText: false }
  return { type: isText && isTextType(hint) ? hint : UNKNOWN_TYPE, isText }
}

function isWhole(magic: Magic, head: string): boolean {
  return magic.at === 8 ? head.startsWith('RIFF') : true
}

/** Its magic is two letters, so the size in its header has to agree as well. */
function isBitmap(bytes: Uint8Array): boolean {
  if (bytes.length < BITMAP_HEADER_BYTES || bytes[0] !== 0x42 || bytes[1] !== 0x4d) return false
  return Buffer.from(bytes.buffer, bytes.byteOffset, 6).readUInt32LE(2) === bytes.length
}

function isTextType(type: string): type is 'text/plain' | 'text/csv' | 'text/markdown' | 'application/json' {
  return type === 'text/plain' || type === 'text/csv' || type === 'text/markdown' || type === 'application/json'
}
