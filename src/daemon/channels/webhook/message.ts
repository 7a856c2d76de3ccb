import type { OutboundPiece, Recipient } from '../../core/channel-adapter.js'

/** A piece as the other system gets it. Files up to `fileLimitBytes` are in it, in base64; of larger ones it says name, type and size. */
export function messageBody(to: Recipient, { part, file }: OutboundPiece, fileLimitBytes: number): string {
  return JSON.stringify({
    type: 'message',
    id: to.id,
    contact: { id: to.contact },
    message: { n: to.n, piece: to.piece },
    part: 'media' in part ? filePart(part.type, file, fileLimitBytes) : part,
  })
}

function filePart(type: string, file: OutboundPiece['file'], fileLimitBytes: number): object {
  if (file === undefined) return { type }
  const { name, bytes, type: contentType } = file
  return {
    type,
    ...(name !== undefined && { name }),
    contentType,
    size: bytes.length,
    ...(bytes.length <= fileLimitBytes && { data: Buffer.from(bytes).toString('base64') }),
  }
}
