import { z } from 'zod'
import { HOOK_EVENTS, HOOK_LIMITS, HOOK_STATES, HOOK_STOPS, type HookStop } from '../core/hook.js'
import { named, pageRequest } from './schemas.js'

const since = '0.1.0'

const name = z.string().min(1).max(200)
const instant = z.int()
const count = z.int().min(0)
const seq = z.int().min(1)
/** Looked at in full where it is stored. */
const url = z.string().min(1).max(4_000)
const recordType = z.enum(HOOK_EVENTS)
const events = z.array(recordType).max(100)
const channels = z.array(name).max(HOOK_LIMITS.channels)
const stop = z.enum(Object.keys(HOOK_STOPS) as [HookStop, ...HookStop[]])

/** A hook as the outside sees it: never its secret. */
const hookView = z
  .object({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    /** Types of records; absent: all. */
    events: z.array(recordType).readonly().exactOptional(),
    /** Names of channels, or numbers of those that are gone; absent: all. */
    channels: z.array(z.string()).readonly().exactOptional(),
    stopped: z.object({ at: instant, why: stop }).readonly().exactOptional(),
    state: z.enum(HOOK_STATES),
    /** Everything of the log up to here is done; records behind that. */
    cursor: count,
    lag: count,
    /** Since the daemon's start. */
    delivered: count,
    failed: count,
    dead: count,
    deliveredAt: instant.exactOptional(),
    lastError: z.object({ at: instant, reason: z.string() }).readonly().exactOptional(),
    createdAt: instant,
  })
  .readonly()

const callReport = z.object({
  ok: z.boolean(),
  status: z.int().exactOptional(),
  reason: z.string().exactOptional(),
  ms: count,
})

const deadLetter = z
  .object({
    seq,
    conversation: z.string(),
    n: seq,
    type: recordType,
    at: instant,
    attempts: count,
    reason: z.string(),
  })
  .readonly()

/** The operations on outgoing webhooks: part of the one table. */
export const HOOK_OPERATIONS = {
  'hook.add': {
    summary: 'makes a hook, or finds the same one; without a secret, one is made and told once',
    request: z.strictObject({
      name,
      url,
      events: events.exactOptional(),
      channels: channels.exactOptional(),
      secret: z.string().max(200).exactOptional(),
    }),
    answer: z.object({ hook: hookView, secret: z.string().exactOptional(), changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'hook.set': {
    summary: 'changes a hook, stops it, or lets it go on where it stands',
    request: z.strictObject({
      name,
      url: url.exactOptional(),
      events: events.nullable().exactOptional(),
      channels: channels.nullable().exactOptional(),
      enabled: z.boolean().exactOptional(),
    }),
    answer: z.object({ hook: hookView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'hook.show': {
    summary: 'one hook',
    request: named,
    answer: z.object({ hook: hookView }),
    mutates: false,
    stream: false,
    since,
  },
  'hook.list': {
    summary: 'a page of the hooks',
    request: pageRequest(['name', '-name', 'created', '-created']),
    answer: z.object({ hooks: z.array(hookView), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'hook.remove': {
    summary: 'removes a hook with its secret and dead letters',
    request: named,
    answer: z.object({ hook: hookView }),
    mutates: true,
    stream: false,
    since,
  },
  'hook.test': {
    summary: 'calls the endpoint of a hook once',
    request: named,
    answer: callReport,
    mutates: true,
    stream: false,
    since,
  },
  'hook.dead': {
    summary: 'a page of the dead letters of a hook',
    request: z.strictObject({ name, ...pageRequest(['seq', '-seq']).shape }),
    answer: z.object({ letters: z.array(deadLetter), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'hook.resend': {
    summary: 'delivers a dead letter once; when that succeeds, it is one no more',
    request: z.strictObject({ name, seq }),
    answer: callReport,
    mutates: true,
    stream: false,
    since,
  },
  'hook.forget': {
    summary: 'removes dead letters of a hook for good, all of them or some',
    request: z.strictObject({ name, seqs: z.array(seq).min(1).max(HOOK_LIMITS.deadLetters).exactOptional() }),
    answer: z.object({ forgotten: count }),
    mutates: true,
    stream: false,
    since,
  },
} as const

/** A hook as the outside sees it. */
export type HookView = z.infer<typeof hookView>
/** A dead letter as the outside sees it. */
export type DeadLetterView = z.infer<typeof deadLetter>
