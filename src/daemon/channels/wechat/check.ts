import { ENCODING_AES_KEY, WechatCipher, wechatSignature } from '../../../platform/wechat/crypt.js'
import { formatXml } from '../../../platform/xml.js'
import type { AdapterInput, AdapterPorts, Callback, CheckStep } from '../../core/channel-adapter.js'
import { clockStep, failedStep, missingStep } from '../check-steps.js'
import { credentialOf, type WechatAccount } from './account.js'
import type { WechatApi } from './api.js'
import type { Verifier } from './callback.js'
import type { ErrcodeRows } from './errcodes.js'
import { refusal } from './outcome.js'
import type { Sender } from './sender.js'

/** Nobody's id: what is sent to it reaches nobody. */
const NOBODY = 'kefu-channel-test'

/** Answers to a sign of typing to nobody by which the platform says that it may be sent: unknown user, wrong command, nothing exchanged, typing already. */
const PERMITTED: ReadonlySet<number> = new Set([0, 40003, 45015, 45047, 45072, 45080, 45081])

/** What a check looks at. */
export type CheckPorts = {
  readonly account: WechatAccount
  readonly input: Pick<AdapterInput, 'secrets'>
  readonly verify: Verifier
  readonly api: WechatApi
  readonly sender: Sender
  readonly clock: AdapterPorts['clock']
  readonly errcodes: ErrcodeRows
  random(length: number): Uint8Array
}

/** Signs and reads a callback of its own, asks for a token, compares clocks, and asks whether messages may be sent. */
export async function checkWechat(ports: CheckPorts, abort: AbortSignal): Promise<readonly CheckStep[]> {
  const steps: CheckStep[] = [checkSignature(ports)]
  const { api, clock, sender } = ports
  try {
    const date = (await api.tryToken(abort)).header('date')
    steps.push({ step: 'access token', result: 'ok' }, clockStep(date, clock.now()))
  } catch (error) {
    const reason = 'there is no access token'
    const later = ['clock', 'permission'].map((step): CheckStep => ({ step, result: 'skipped', reason }))
    return [...steps, failedStep('access token', error), ...later]
  }
  try {
    const answer = await sender.typing(NOBODY, true, abort)
    const { errcode, status } = answer
    if (errcode === undefined)
      steps.push({
        ...{ step: 'permission', result: 'failed', reason: `the platform answered status ${status} and no JSON` },
        nextStep: 'look at base-url: it has to lead to the API of 微信',
      })
    else if (PERMITTED.has(errcode)) steps.push({ step: 'permission', result: 'ok' })
    else steps.push(failedStep('permission', refusal(answer, ports.errcodes)))
  } catch (error) {
    steps.push(failedStep('permission', error))
  }
  return steps
}

function checkSignature({ account, input, verify, clock, random }: CheckPorts): CheckStep {
  const needed = account.mode === 'plain' ? ['token'] : ['token', 'encoding-aes-key']
  const missing = missingStep('signature', needed, input.secrets)
  if (missing !== undefined) return missing
  const key = account.mode === 'plain' ? undefined : credentialOf(input, 'encoding-aes-key').value
  if (key !== undefined && !ENCODING_AES_KEY.test(key))
    return {
      ...{ step: 'signature', result: 'failed', reason: 'encoding-aes-key has to have 43 letters and digits' },
      nextStep: 'copy the EncodingAESKey (消息加密密钥) again: kefu credential set NAME encoding-aes-key',
    }
  try {
    verify(ownCallback(account, input, clock.now(), random(16)))
    return { step: 'signature', result: 'ok' }
  } catch (error) {
    return failedStep('signature', error)
  }
}

/** A message as the platform would push it, signed with our own secrets. */
function ownCallback(
  { appId, originalId = 'gh_kefu', mode }: WechatAccount,
  input: Pick<AdapterInput, 'secrets'>,
  nowMs: number,
  random: Uint8Array,
): Callback {
  const [timestamp, nonce] = [String(Math.floor(nowMs / 1000)), Buffer.from(random).toString('hex')]
  const { value: token } = credentialOf(input, 'token')
  const message = formatXml({ ToUserName: originalId, FromUserName: NOBODY, MsgType: 'text', Content: '你好' })
  const isPlain = mode === 'plain'
  const encrypted = isPlain
    ? ''
    : new WechatCipher(credentialOf(input, 'encoding-aes-key').value, appId).seal(message, random)
  const texts = isPlain ? [token, timestamp, nonce] : [token, timestamp, nonce, encrypted]
  const name = isPlain ? 'signature' : 'msg_signature'
  return {
    method: 'POST',
    query: new URLSearchParams({ timestamp, nonce, [name]: wechatSignature(...texts) }),
    header: () => undefined,
    bytes: Buffer.from(isPlain ? message : formatXml({ ToUserName: originalId, Encrypt: encrypted })),
    arrivedAtMs: nowMs,
  }
}
