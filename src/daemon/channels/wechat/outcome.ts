import { KefuError } from '../../../errors.js'
import { isUnwritten, type SendOutcome } from '../../core/channel-adapter.js'
import type { WechatAnswer } from './answer.js'
import { ERRCODES, type ErrcodeRow, type ErrcodeRows } from './errcodes.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const BEIJING_MS = 8 * 60 * MINUTE_MS

/** The row of an errcode: of the first special table that has one, then of the general one; an unknown code is for one message, and final. */
export function rowOf(errcode: number, ...special: readonly ErrcodeRows[]): ErrcodeRow {
  for (const rows of [...special, ERRCODES as ErrcodeRows]) {
    const row = rows[errcode]
    if (row !== undefined) return row
  }
  return {
    outcome: 'give-up',
    reason: 'kefu does not know this code',
    nextStep: 'see the documentation of the platform',
  }
}

/** An errcode in words: what it means, what to do, and the platform's number of the call. */
export function wordsOf(errcode: number, row: ErrcodeRow, note: string | undefined): string {
  return `errcode ${errcode}: ${row.reason}: ${row.nextStep}${note === undefined ? '' : ` (${note})`}`
}

/** What became of a message, by the answer to the call that sends it. */
export function outcomeOf(answer: WechatAnswer, nowMs: number, special: ErrcodeRows): SendOutcome {
  const { errcode, status, note } = answer
  if (errcode === 0) return { type: 'sent' }
  if (errcode === undefined)
    return { type: 'unknown', reason: `the platform answered status ${status} and not whether it took the message` }
  const row = rowOf(errcode, special)
  return outcomeAs(row, wordsOf(errcode, row, note), nowMs)
}

/** The platform refused a call for a reason that it names. */
export function refusal({ errcode, note }: WechatAnswer, ...special: readonly ErrcodeRows[]): KefuError {
  const row = rowOf(errcode ?? 0, ...special)
  const { outcome, after, nextStep } = row
  const reason = wordsOf(errcode ?? 0, row, note)
  return new KefuError('KEFU_PLATFORM_REFUSED', { reason, outcome, nextStep, ...(after !== undefined && { after }) })
}

/** What became of a message that ended with an error; an error that says nothing about it is thrown on. */
export function outcomeOfError(error: KefuError, nowMs: number): SendOutcome {
  const { reason, outcome, after } = error.detail
  switch (error.code) {
    case 'KEFU_PLATFORM_UNAVAILABLE':
      return isUnwritten(error)
        ? { type: 'retry', reason: error.message }
        : { type: 'unknown', reason: `the platform may have taken it: ${error.message}` }
    case 'KEFU_BODY_TOO_LARGE':
      return { type: 'unknown', reason: 'the platform may have taken it: its answer is too large' }
    case 'KEFU_PLATFORM_REFUSED':
      return outcome === undefined
        ? { type: 'channel-down', reason: error.message }
        : outcomeAs({ outcome, after } as Pick<ErrcodeRow, 'outcome' | 'after'>, String(reason), nowMs)
    case 'KEFU_CREDENTIAL_MISSING':
      return { type: 'channel-down', reason: `${error.message}: ${error.hint}` }
    default:
      throw error
  }
}

function outcomeAs(
  { outcome, after }: Pick<ErrcodeRow, 'outcome' | 'after'>,
  reason: string,
  nowMs: number,
): SendOutcome {
  if (outcome !== 'throttled') return { type: outcome, reason }
  const afterMs = after === 'midnight' ? DAY_MS - ((nowMs + BEIJING_MS) % DAY_MS) : MINUTE_MS - (nowMs % MINUTE_MS)
  return { type: 'throttled', reason, afterMs }
}
