import { toKefuError } from '../../errors.js'
import type { CheckStep } from '../core/channel-adapter.js'

const SKEW_LIMIT_MS = 60_000

/** A step that failed by an error: its message, and apart from that the next step that it names, else its hint. */
export function failedStep(step: string, thrown: unknown): CheckStep {
  const { message, hint, detail } = toKefuError(thrown)
  const { nextStep } = detail
  if (typeof nextStep !== 'string') return { step, result: 'failed', reason: message, nextStep: hint }
  return { step, result: 'failed', reason: message.replace(`: ${nextStep}`, ''), nextStep }
}

/** Secrets that have to be set; undefined when none is missing. */
export function missingStep(step: string, names: readonly string[], present: { has(name: string): boolean }) {
  const missing = names.filter(name => !present.has(name))
  if (missing.length === 0) return undefined
  return {
    ...{ step, result: 'failed', reason: `not set: ${missing.join(', ')}` },
    nextStep: missing.map(name => `kefu credential set NAME ${name}`).join('; '),
  } satisfies CheckStep
}

/** Compares the `date` of a platform's answer with the clock of this server, which may be a minute off. */
export function clockStep(date: string | undefined, nowMs: number): CheckStep {
  const atMs = date === undefined ? Number.NaN : Date.parse(date)
  if (Number.isNaN(atMs))
    return { step: 'clock', result: 'skipped', reason: 'the platform does not say what time it is' }
  const skewMs = nowMs - atMs
  if (Math.abs(skewMs) <= SKEW_LIMIT_MS) return { step: 'clock', result: 'ok' }
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  return {
    ...{ step: 'clock', result: 'failed' },
    reason: `the clock of this server is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the platform's`,
    nextStep: 'set it by NTP (timedatectl set-ntp true): callbacks are refused while it is wrong',
  }
}
