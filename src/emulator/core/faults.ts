import { z } from 'zod'
import { KefuError } from '../../errors.js'
import { firstIssue } from './said.js'

const MINUTE_MS = 60_000
const count = z.number().int().min(1).max(1_000_000).default(1)
const path = z.string().startsWith('/').max(200).optional()
const call = { count, path }

/** Something that goes wrong with the next calls or pushes. */
export const FAULT = z.discriminatedUnion('fault', [
  z.strictObject({
    fault: z.literal('error'),
    ...call,
    code: z.number().int(),
    message: z.string().max(200).optional(),
  }),
  z.strictObject({
    fault: z.literal('latency'),
    ...call,
    ms: z
      .number()
      .int()
      .min(1)
      .max(10 * MINUTE_MS),
  }),
  z.strictObject({ fault: z.literal('hang'), ...call }),
  z.strictObject({ fault: z.literal('status'), ...call, status: z.number().int().min(400).max(599) }),
  z.strictObject({ fault: z.literal('html'), ...call }),
  z.strictObject({ fault: z.literal('duplicate'), count }),
  z.strictObject({ fault: z.literal('reorder'), count }),
  z.strictObject({
    fault: z.literal('delay'),
    count,
    ms: z
      .number()
      .int()
      .min(1)
      .max(10 * MINUTE_MS),
  }),
  z.strictObject({ fault: z.literal('drop'), count }),
])

/** A fault of the API that a channel calls. `hang`: what is asked is done, but never answered. */
export type ApiFault = Extract<Fault, { readonly path?: string | undefined }>

/** A fault of the pushes to the channel. */
export type PushFault = Exclude<Fault, ApiFault>

/** A fault with how many calls or pushes it is for. */
export type Fault = z.output<typeof FAULT> & { readonly count: number }

/** A fault before defaults. */
export type FaultInput = z.input<typeof FAULT>

/** A fault that waits, with how often it still happens. */
export type PendingFault = Fault & { readonly n: number; readonly left: number }

const PENDING_LIMIT = 100
const PUSH_FAULTS: ReadonlySet<string> = new Set(['duplicate', 'reorder', 'delay', 'drop'])

/** Faults for the next calls and pushes, oldest first: each call takes the first one that fits it. */
export class Faults {
  #pending: { readonly n: number; readonly fault: Fault; left: number }[] = []
  #count = 0

  /** Throws `KEFU_USAGE` for what is no fault, or when 100 wait. */
  add(input: unknown): PendingFault {
    const parsed = FAULT.safeParse(input)
    if (!parsed.success) throw new KefuError('KEFU_USAGE', { reason: firstIssue(parsed.error) })
    if (this.#pending.length >= PENDING_LIMIT)
      throw new KefuError('KEFU_USAGE', { reason: `${PENDING_LIMIT} faults wait already` })
    const entry = { n: ++this.#count, fault: parsed.data, left: parsed.data.count }
    this.#pending.push(entry)
    return { ...entry.fault, n: entry.n, left: entry.left }
  }

  /** The fault of a call to a path, if one waits for it. */
  nextCall(path: string): ApiFault | undefined {
    return this.#take((fault): fault is ApiFault => !isPushFault(fault) && (fault.path ?? path) === path)
  }

  /** The fault of a push, if one waits. */
  nextPush(): PushFault | undefined {
    return this.#take(isPushFault)
  }

  /** Those that wait, oldest first. */
  list(): readonly PendingFault[] {
    return this.#pending.map(({ n, fault, left }) => ({ ...fault, n, left }))
  }

  /** Forgets all of them; how many there were. */
  clear(): number {
    const { length } = this.#pending
    this.#pending = []
    return length
  }

  #take<F extends Fault>(fits: (fault: Fault) => fault is F): F | undefined {
    for (const [index, entry] of this.#pending.entries()) {
      const { fault } = entry
      if (!fits(fault)) continue
      entry.left--
      if (entry.left === 0) this.#pending.splice(index, 1)
      return fault
    }
    return undefined
  }
}

function isPushFault(fault: Fault): fault is PushFault {
  return PUSH_FAULTS.has(fault.fault)
}
