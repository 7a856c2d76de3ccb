import { createHmac, timingSafeEqual } from 'node:crypto'
import { isWebhookSecret } from './standard-webhook.js'

/** Verification of what others sign in the format of Standard Webhooks. Pure. */

const SECRET_PREFIX = 'whsec_'
const VERSION = 'v1,'
/** Without the full stop that separates it from what follows. */
const ID = /^[!-\-/-~]{1,256}$/
const TIMESTAMP = /^\d{1,12}$/
/** Signatures that are looked at: who rotates sends two. */
const SIGNATURES = 8
const SIGNATURES_LENGTH = 1_000

/** The headers of a call, by their names in lower case. */
export type WebhookHeaders = (name: string) => string | undefined

/**
 * Why a call is not believed; undefined for one that is signed with one of the secrets, over these very bytes, at most `toleranceMs` away from now (epoch ms). In
 * constant time for signatures of a form that may be right. Secrets that are none believe nothing.
 */
export function webhookRefusal(
  header: WebhookHeaders,
  body: Uint8Array,
  secrets: readonly string[],
  { nowMs, toleranceMs }: { readonly nowMs: number; readonly toleranceMs: number },
): string | undefined {
  const id = header('webhook-id') ?? ''
  const timestamp = header('webhook-timestamp') ?? ''
  const signatures = (header('webhook-signature') ?? '').slice(0, SIGNATURES_LENGTH).split(' ')
  if (!ID.test(id)) return 'the header webhook-id is missing or not 1 to 256 printable characters without a full stop'
  if (!TIMESTAMP.test(timestamp)) return 'the header webhook-timestamp is missing or not in whole seconds'
  if (Math.abs(nowMs - Number(timestamp) * 1000) > toleranceMs)
    return 'the header webhook-timestamp is too far from the time here: compare the clocks'
  const given = signatures.filter(signature => signature.startsWith(VERSION)).slice(0, SIGNATURES)
  if (given.length === 0) return 'the header webhook-signature is missing or has no v1 signature'
  const bytes = given.map(signature => Buffer.from(signature.slice(VERSION.length), 'base64'))
  let isSigned = false
  for (const secret of secrets) {
    if (!isWebhookSecret(secret)) continue
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
    for (const digest of bytes)
      if (digest.length === expected.length && timingSafeEqual(digest, expected)) isSigned = true
  }
  return isSigned ? undefined : 'no signature in webhook-signature fits: compare the secrets'
}
