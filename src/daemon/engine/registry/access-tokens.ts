import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenEntry } from '../../core/model.js'
import type { RandomBytes } from '../../core/ordered-id.js'

/** Tokens of agents (`kat_`) and app servers (`kpt_`): 256 random bits, shown once, kept as SHA-256 only. */
export const TOKEN_PREFIX = { agent: 'kat_', app: 'kpt_' } as const

/** Tokens that one owner may have at the same time. */
export const TOKEN_LIMIT = 16

/** How much of a token's digest is shown: enough to tell the tokens of one owner apart. */
export const FINGERPRINT_LENGTH = 12

/** A kind of token by its beginning. */
export type TokenPrefix = (typeof TOKEN_PREFIX)[keyof typeof TOKEN_PREFIX]

const SECRET_BYTES = 32
const SECRET = /^[A-Za-z0-9_-]{43}$/

/** A new token and what is stored of it. */
export function issueAccessToken(
  prefix: TokenPrefix,
  random: RandomBytes,
  nowMs: number,
): { readonly token: string; readonly entry: TokenEntry } {
  const token = `${prefix}${randomSecret(random)}`
  return { token, entry: { sha256: digestOf(token).toString('hex'), createdAt: nowMs } }
}

/** 256 random bits as 43 characters of base64url. */
export function randomSecret(random: RandomBytes): string {
  return Buffer.from(random(SECRET_BYTES)).toString('base64url')
}

/** Finds the owner of a presented token by its digest. */
export class TokenIndex<T> {
  readonly #prefix: TokenPrefix
  readonly #owners = new Map<string, { readonly digest: Buffer; readonly owner: T }>()

  constructor(prefix: TokenPrefix) {
    this.#prefix = prefix
  }

  /** The token's owner; `undefined` for any other text of any length. Its time tells nothing about the tokens that exist. */
  find(token: string): T | undefined {
    const prefix = this.#prefix
    if (token.length !== prefix.length + 43 || !token.startsWith(prefix) || !SECRET.test(token.slice(prefix.length)))
      return undefined
    const digest = digestOf(token)
    const found = this.#owners.get(digest.toString('hex'))
    return found !== undefined && timingSafeEqual(found.digest, digest) ? found.owner : undefined
  }

  /** Replaces what an owner had (`before`) by what it has now. */
  replace(before: readonly TokenEntry[], now: readonly TokenEntry[], owner: T): void {
    for (const { sha256 } of before) this.#owners.delete(sha256)
    for (const { sha256 } of now) this.#owners.set(sha256, { digest: Buffer.from(sha256, 'hex'), owner })
  }
}

/** What is shown of a token in place of it. */
export function fingerprintOf(token: string): string {
  return digestOf(token).toString('hex').slice(0, FINGERPRINT_LENGTH)
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
