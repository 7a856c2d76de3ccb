import { isKefuError } from '../../../errors.js'
import { type JsonFields, jsonList, jsonNumber, jsonText } from '../../../platform/json-fields.js'
import type { AdapterPorts, InboundEvent, Pulled, PullSignal } from '../../core/channel-adapter.js'
import type { KfApi } from './api.js'
import { EVERY_ACCOUNT } from './callback.js'
import { errcodeOf } from './errcodes.js'
import { readEntry } from './events.js'
import type { Passes } from './passes.js'
import type { WelcomeCodes } from './welcome-codes.js'

const PASS_REFUSED = 95007
const ANSWER_BYTES = 16 * 1024 * 1024
/** Entries of one answer; and of one when that was too large. */
const LIMITS = [200, 20] as const

/** What pulling needs. */
export type PullPorts = {
  readonly api: KfApi
  readonly clock: AdapterPorts['clock']
  readonly passes: Passes
  readonly codes: WelcomeCodes
}

/** One page of what an account has: see `Adapter.pull`. An empty page with `hasMore` is the platform's way, and no end. */
export async function pullKf(
  { api, clock, passes, codes }: PullPorts,
  signal: PullSignal,
  cursor: string | undefined,
  abort: AbortSignal,
): Promise<Pulled> {
  async function sync(pass: string | undefined, limit: number): Promise<JsonFields> {
    const body = {
      ...{ cursor: cursor ?? '', limit, voice_format: 0 },
      ...(pass !== undefined && { token: pass }),
      ...(signal.account !== EVERY_ACCOUNT && { open_kfid: signal.account }),
    }
    return await api.post('/cgi-bin/kf/sync_msg', body, abort, ANSWER_BYTES)
  }

  async function syncWithin(pass: string | undefined): Promise<JsonFields> {
    try {
      return await sync(pass, LIMITS[0])
    } catch (error) {
      if (!isKefuError(error, 'KEFU_BODY_TOO_LARGE')) throw error
      return await sync(pass, LIMITS[1])
    }
  }

  async function syncWithOrWithoutPass(): Promise<JsonFields> {
    const pass = passes.of(signal)
    try {
      return await syncWithin(pass)
    } catch (error) {
      if (pass === undefined || errcodeOf(error) !== PASS_REFUSED) throw error
      passes.refuse(signal)
      return await syncWithin(undefined)
    }
  }

  const answer = await syncWithOrWithoutPass()
  const events: InboundEvent[] = []
  for (const value of jsonList(answer, 'msg_list')) {
    const entry = readEntry(value, clock.now())
    if (entry === undefined) continue
    const { event, welcomeCode } = entry
    if (welcomeCode !== undefined) codes.remember(event.contact, welcomeCode)
    else if (event.type === 'message') codes.forget(event.contact)
    events.push(event)
  }
  // Without a cursor there is nowhere to go on from: the next signal asks again from where this one did.
  const next = jsonText(answer, 'next_cursor')
  return { events, cursor: next ?? cursor ?? '', hasMore: next !== undefined && jsonNumber(answer, 'has_more') === 1 }
}
