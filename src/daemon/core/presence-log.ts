import type { Presence } from './routing.js'

/**
 * What is remembered of who was there: changes of agents' presence, and the starts and stops of the engine. Pure. A day (UTC) is kept in parts, each an entry of the
 * directory: a table of agents and the changes as bytes. The first part of a day begins with everybody who is there then, so that a day is read without
 * those before it.
 */

/** An agent came to be there or not; or the engine started (nobody is there then) or stopped. `at`: epoch ms. */
export type PresenceChange =
  | { readonly at: number; readonly agent: string; readonly state: Presence }
  | { readonly at: number; readonly engine: 'started' | 'stopped' }

/** Where parts are in the directory. */
export const PRESENCE_PREFIX = 'presence/'

/** How much is kept. `partBytes`: about, packed; what does not fit into the parts of a day is not recorded. */
export const PRESENCE_LIMITS = { days: 90, partsPerDay: 16, partBytes: 16 * 1024 } as const

/** A part as the directory holds it. `changes`: pairs of varints, ms since the change before (the first: since `from`), and which change. */
export type PresencePartValue = {
  readonly from: number
  readonly agents: readonly string[]
  readonly changes: Uint8Array
}

const STATES = ['offline', 'away', 'online'] as const satisfies readonly Presence[]
const STARTED = 0
const STOPPED = 1
const FIRST_AGENT = 2

/** The key of a part. `at`: any instant of its day. */
export function presenceKey(at: number, part: number): string {
  return `${presenceDayPrefix(at)}${String(part).padStart(2, '0')}`
}

/** What the keys of a day's parts begin with. */
export function presenceDayPrefix(at: number): string {
  return `${PRESENCE_PREFIX}${new Date(at).toISOString().slice(0, 10)}/`
}

/** The first instant of an instant's day (UTC). */
export function dayStart(at: number): number {
  return at - (((at % DAY_MS) + DAY_MS) % DAY_MS)
}

const DAY_MS = 86_400_000

/** A part that grows. */
export class PresencePart {
  readonly #from: number
  readonly #agents: string[] = []
  readonly #indexes = new Map<string, number>()
  readonly #changes: number[] = []
  #lastAt: number
  #bytes = 0

  constructor(from: number) {
    this.#from = from
    this.#lastAt = from
  }

  /** A part that is stored already, to be gone on with. */
  static of(value: PresencePartValue): PresencePart {
    const part = new PresencePart(value.from)
    for (const change of presenceChanges(value)) part.add(change)
    return part
  }

  /** Adds a change, or says that there is no room. Changes are in the order in which they are added: one from before the last counts as of the same time. */
  add(change: PresenceChange): boolean {
    const isNew = 'agent' in change && !this.#indexes.has(change.agent)
    const bytes = 12 + (isNew ? change.agent.length + 3 : 0)
    if (this.#bytes + bytes > PRESENCE_LIMITS.partBytes) return false
    const at = Math.max(this.#lastAt, Math.round(change.at))
    const before = this.#changes.length
    putVarint(this.#changes, at - this.#lastAt)
    putVarint(this.#changes, this.#codeOf(change))
    this.#lastAt = at
    this.#bytes += this.#changes.length - before + (isNew ? change.agent.length + 3 : 0)
    return true
  }

  get value(): PresencePartValue {
    return { from: this.#from, agents: [...this.#agents], changes: Uint8Array.from(this.#changes) }
  }

  #codeOf(change: PresenceChange): number {
    if ('engine' in change) return change.engine === 'started' ? STARTED : STOPPED
    let index = this.#indexes.get(change.agent)
    if (index === undefined) {
      index = this.#agents.push(change.agent) - 1
      this.#indexes.set(change.agent, index)
    }
    return FIRST_AGENT + index * STATES.length + STATES.indexOf(change.state)
  }
}

/** Whether a value of the directory is a part. */
export function isPresencePart(value: unknown): value is PresencePartValue {
  if (typeof value !== 'object' || value === null) return false
  const { from, agents, changes } = value as Partial<Record<keyof PresencePartValue, unknown>>
  return (
    Number.isSafeInteger(from) &&
    Array.isArray(agents) &&
    agents.every(agent => typeof agent === 'string') &&
    changes instanceof Uint8Array
  )
}

/** The changes of a part, in order. What is cut off or names no agent of the table ends it. */
export function presenceChanges({ from, agents, changes }: PresencePartValue): PresenceChange[] {
  const found: PresenceChange[] = []
  let [at, offset] = [from, 0]
  const next = (): number => {
    let value = 0
    for (let scale = 1; offset < changes.length; scale *= 128) {
      const byte = changes[offset++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (offset < changes.length) {
    at += next()
    const code = next()
    const agent = agents[Math.floor((code - FIRST_AGENT) / STATES.length)]
    if (code === STARTED || code === STOPPED) found.push({ at, engine: code === STARTED ? 'started' : 'stopped' })
    else if (agent === undefined) break
    else found.push({ at, agent, state: STATES[(code - FIRST_AGENT) % STATES.length]! })
  }
  return found
}

function putVarint(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
}
