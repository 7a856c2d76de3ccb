import { jsonFields, jsonList, jsonText } from '../../../platform/json-fields.js'
import { ENCODING_AES_KEY, WechatCipher, wechatSignature } from '../../../platform/wechat/crypt.js'
import { formatXml } from '../../../platform/xml.js'
import type { AdapterInput, AdapterPorts, Callback, CheckStep, Reception } from '../../core/channel-adapter.js'
import { clockStep, failedStep, missingStep } from '../check-steps.js'
import { credentialOf } from '../wechat/account.js'
import type { KfCompany } from './account.js'
import type { KfApi } from './api.js'

const PAGE = 100
const PAGES = 50
const NAMED = 10
const INBOUND = ['token', 'encoding-aes-key'] as const

/** What a check looks at. */
export type CheckPorts = Pick<AdapterPorts, 'clock' | 'random'> & {
  readonly company: KfCompany
  readonly input: Pick<AdapterInput, 'secrets'>
  readonly api: KfApi
  receive(callback: Callback): Reception
}

/** Signs and reads a callback of its own, asks for a token, compares clocks, and looks for the account. */
export async function checkKf(ports: CheckPorts, abort: AbortSignal): Promise<readonly CheckStep[]> {
  const { api, clock } = ports
  const signature = checkSignature(ports)
  let date: string | undefined
  try {
    date = (await api.tryToken(abort)).header('date')
  } catch (error) {
    const reason = 'there is no access token'
    const later = ['clock', 'account'].map((step): CheckStep => ({ step, result: 'skipped', reason }))
    return [signature, failedStep('access token', error), ...later]
  }
  const clocks = clockStep(date, clock.now())
  return [signature, { step: 'access token', result: 'ok' }, clocks, await checkAccount(ports, abort)]
}

function checkSignature({ company, input, clock, random, receive }: CheckPorts): CheckStep {
  const step = 'signature'
  const missing = missingStep(step, INBOUND, input.secrets)
  if (missing !== undefined) return missing
  const key = credentialOf(input, 'encoding-aes-key').value
  if (!ENCODING_AES_KEY.test(key))
    return {
      ...{ step, result: 'failed', reason: 'encoding-aes-key has to have 43 letters and digits' },
      nextStep: 'copy the EncodingAESKey again: kefu credential set NAME encoding-aes-key',
    }
  const [timestamp, nonce] = [String(Math.floor(clock.now() / 1_000)), Buffer.from(random(8)).toString('hex')]
  const message = formatXml({ ToUserName: company.corpId, MsgType: 'event', Event: 'kefu_channel_test' })
  const encrypted = new WechatCipher(key, company.corpId).seal(message, random(16))
  const signature = wechatSignature(credentialOf(input, 'token').value, timestamp, nonce, encrypted)
  try {
    receive({
      method: 'POST',
      query: new URLSearchParams({ msg_signature: signature, timestamp, nonce }),
      header: () => undefined,
      bytes: Buffer.from(formatXml({ ToUserName: company.corpId, Encrypt: encrypted })),
      arrivedAtMs: clock.now(),
    })
    return { step, result: 'ok' }
  } catch (error) {
    return failedStep(step, error)
  }
}

async function checkAccount({ company: { openKfId }, api }: CheckPorts, abort: AbortSignal): Promise<CheckStep> {
  const step = 'account'
  const found: string[] = []
  try {
    for (let page = 0; page < PAGES; page++) {
      const body = { offset: page * PAGE, limit: PAGE }
      const list = jsonList(await api.post('/cgi-bin/kf/account/list', body, abort), 'account_list').map(jsonFields)
      for (const account of list) {
        const id = jsonText(account, 'open_kfid') ?? ''
        if (id === openKfId) return { step, result: 'ok' }
        found.push(`${jsonText(account, 'name')?.slice(0, 30) ?? ''} (${id.slice(0, 64)})`)
      }
      if (list.length < PAGE) break
    }
  } catch (error) {
    return failedStep(step, error)
  }
  if (openKfId === undefined && found.length > 0) return { step, result: 'ok' }
  if (found.length === 0)
    return {
      ...{ step, result: 'failed', reason: 'no 客服账号 is assigned to the app of this secret' },
      nextStep: '应用管理 > 微信客服 > API > 可调用接口的应用: choose the app; then 企业内部接入: choose the 客服账号',
    }
  const others = found.slice(0, NAMED).join(', ')
  return {
    ...{ step, result: 'failed', reason: `open-kfid is not among the accounts of this secret: ${others}` },
    nextStep: 'kefu channel set NAME --set open-kfid=wk… with one of these, or assign the 客服账号 to the app',
  }
}
