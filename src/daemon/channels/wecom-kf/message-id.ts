import { createHash } from 'node:crypto'
import type { Recipient } from '../../core/channel-adapter.js'

const OWN_ID = /^k([0-9a-z]{1,11})-([0-9a-z]{1,4})-[0-9A-Za-z_-]{14}$/
const DIGEST_CHARACTERS = 14

/**
 * The `msgid` of a piece: at most 32 of the characters that the platform takes, the same for every attempt, and unlike that of every other piece. It holds the
 * numbers of the piece, so that a failure which is reported by it needs no table.
 */
export function messageIdOf({ n, piece, id }: Recipient): string {
  const digest = createHash('sha256').update(id).digest('base64url').slice(0, DIGEST_CHARACTERS)
  return `k${n.toString(36)}-${piece.toString(36)}-${digest}`
}

/** The piece that a `msgid` names; undefined for one that another program made. */
export function pieceOf(messageId: string): { readonly n: number; readonly piece: number } | undefined {
  const found = OWN_ID.exec(messageId)
  if (found === null) return undefined
  const n = Number.parseInt(found[1]!, 36)
  return n >= 1 && Number.isSafeInteger(n) ? { n, piece: Number.parseInt(found[2]!, 36) } : undefined
}
