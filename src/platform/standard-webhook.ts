import { createHmac } from 'node:crypto'

/** Signatures of calls to programs of others, in the format of Standard Webhooks: receivers verify them with libraries that exist. Pure. */

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
/** What the format allows. */
const SECRET_BYTES_LEAST = 24
const SECRET_BYTES_MOST = 64

/** A new secret, as receivers are given it: `whsec_` and 256 random bits in base64. */
export function newWebhookSecret(random: (length: number) => Uint8Array): string {
  return `${PREFIX}${Buffer.from(random(SECRET_BYTES)).toString('base64')}`
}

/** What secrets are, in words. */
export const WEBHOOK_SECRET_FORM = 'whsec_ and 24 to 64 random bytes in base64'

/** Whether a text is a secret: `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  return keyOf(text) !== undefined
}

/**
 * The headers of a call: its id, when it is made (epoch seconds), and a signature of both and the body with each of the secrets. Throws a `TypeError` for a secret that is
 * none.
 */
export function signWebhook(
  id: string,
  timestamp: number,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const signed = `${id}.${timestamp}.${body}`
  const signatures = secrets.map(secret => {
    const key = keyOf(secret)
    if (key === undefined) throw new TypeError('not the secret of a webhook')
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}

function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return undefined
  const text = secret.slice(PREFIX.length)
  const key = Buffer.from(text, 'base64')
  // Node passes over what is no base64.
  const isWhole = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  return isWhole && key.length >= SECRET_BYTES_LEAST && key.length <= SECRET_BYTES_MOST ? key : undefined
}
