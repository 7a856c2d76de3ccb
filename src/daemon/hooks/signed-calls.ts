import { isKefuError } from '../../errors.js'
import { signWebhook } from '../../platform/standard-webhook.js'
import type { PlatformHttp } from '../core/channel-adapter.js'
import { SIGNING_SECRET } from '../core/hook.js'
import type { Clock } from '../core/ports.js'
import type { SecretOwner, VaultPort } from '../core/vault.js'

/** What calls to programs of others stand on. */
export type CallPorts = {
  readonly http: PlatformHttp
  readonly vault: Pick<VaultPort, 'secrets'>
  readonly clock: Clock
}

/** Who is called, under which id and with what. The same id again is the same call once more. */
export type SignedCall = {
  readonly owner: SecretOwner
  readonly url: string
  readonly id: string
  readonly body: string
  readonly timeoutMs: number
  readonly limitBytes: number
}

/** What came of a call. `failed`: there is no answer; `oversized`: a longer one than is read. No reason holds an address or a secret. */
export type CallResult =
  | { readonly type: 'answered'; readonly status: number; readonly bytes: Uint8Array }
  | { readonly type: 'failed' | 'oversized'; readonly reason: string }

/** Makes one POST of JSON, signed with the owner's secret, and with the one that it replaced while that still counts. Never throws. */
export async function callSigned(ports: CallPorts, call: SignedCall, abort: AbortSignal): Promise<CallResult> {
  const secret = ports.vault.secrets(call.owner).get(SIGNING_SECRET)
  if (secret === undefined) return { type: 'failed', reason: `the credential ${SIGNING_SECRET} is not set` }
  const secrets = secret.previous === undefined ? [secret.value] : [secret.value, secret.previous]
  try {
    const signature = signWebhook(call.id, Math.floor(ports.clock.now() / 1_000), call.body, secrets)
    const { status, bytes } = await ports.http.call(
      {
        method: 'POST',
        url: call.url,
        headers: { 'content-type': 'application/json', 'user-agent': 'kefu', ...signature },
        body: call.body,
        timeoutMs: call.timeoutMs,
        limitBytes: call.limitBytes,
      },
      abort,
    )
    return { type: 'answered', status, bytes }
  } catch (error) {
    if (isKefuError(error, 'KEFU_BODY_TOO_LARGE'))
      return { type: 'oversized', reason: `its answer has more than ${call.limitBytes} bytes` }
    return { type: 'failed', reason: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (!isKefuError(error)) return 'the credential is not the secret of a webhook'
  const { reason } = error.detail
  return typeof reason === 'string' ? reason : error.message
}
