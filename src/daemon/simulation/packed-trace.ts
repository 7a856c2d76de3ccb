import { pack, unpack } from '../../codec/msgpack.js'
import { type Episode, LEG_ENDS, type Leg, type TraceBatch, type Wish } from './trace.js'

/** A part of a trace as it goes to another thread and is kept there: some 60 bytes for an episode in place of some 600. */
export type PackedTrace = {
  /** What is new in this part; episodes name both by number. */
  readonly wishes: readonly Wish[]
  readonly agents: readonly string[]
  /** Of each episode: its instant, and where its bytes end. */
  readonly at: Float64Array
  readonly ends: Uint32Array
  readonly bytes: Uint8Array
}

const TEAM_GIVEN = 1
const BY_HAND = 2

/** Packs the parts of one trace, in order. */
export class TracePacker {
  readonly #agents = new Map<string, number>()
  #newAgents: string[] = []

  pack({ wishes, episodes }: TraceBatch): PackedTrace {
    const at = Float64Array.from(episodes, episode => episode.at)
    const ends = new Uint32Array(episodes.length)
    const packed = episodes.map(episode => pack(this.#fieldsOf(episode)))
    let size = 0
    for (const [index, { length }] of packed.entries()) {
      size += length
      ends[index] = size
    }
    const bytes = new Uint8Array(size)
    for (const [index, part] of packed.entries()) bytes.set(part, ends[index]! - part.length)
    const agents = this.#newAgents
    this.#newAgents = []
    return { wishes, agents, at, ends, bytes }
  }

  #fieldsOf(episode: Episode): (number | null)[] {
    const { at, since, teamSince, lineSince, lastAgent, declinedBy, answerMs, legs } = episode
    const fields: (number | null)[] = [
      since === undefined ? null : at - since,
      at - teamSince,
      at - lineSince,
      this.#agentNumber(lastAgent?.id),
      lastAgent === undefined ? 0 : at - lastAgent.at,
      answerMs ?? null,
      declinedBy.length,
      ...declinedBy.map(agent => this.#agentNumber(agent)),
    ]
    for (const leg of legs) {
      const flags = (leg.isTeamGiven ? TEAM_GIVEN : 0) | (leg.isByHand ? BY_HAND : 0)
      fields.push(leg.gapMs, leg.wish, flags, leg.waitMs, this.#agentNumber(leg.agent), leg.overflows, leg.serviceMs)
      fields.push(LEG_ENDS.indexOf(leg.end), leg.changes.length)
      for (const { afterMs, wish, isTeamGiven } of leg.changes) fields.push(afterMs, wish, isTeamGiven ? TEAM_GIVEN : 0)
    }
    return fields
  }

  /** From 1; 0 is nobody. */
  #agentNumber(agent: string | undefined): number {
    if (agent === undefined) return 0
    let number = this.#agents.get(agent)
    if (number === undefined) {
      number = this.#agents.size + 1
      this.#agents.set(agent, number)
      this.#newAgents.push(agent)
    }
    return number
  }
}

/** A trace that was packed: its episodes in the order in which they begin, each made anew when it is asked for. */
export class PackedEpisodes implements Iterable<Episode> {
  readonly wishes: Wish[] = []
  readonly #agents: (string | undefined)[] = [undefined]
  readonly #parts: PackedTrace[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  add(part: PackedTrace): void {
    for (const wish of part.wishes) this.wishes.push(wish)
    for (const agent of part.agents) this.#agents.push(agent)
    if (part.at.length === 0) return
    this.#parts.push(part)
    this.#length += part.at.length
  }

  *[Symbol.iterator](): Iterator<Episode> {
    const at = new Float64Array(this.#length)
    const parts = new Uint32Array(this.#length)
    const indexes = new Uint32Array(this.#length)
    let count = 0
    for (const [number, part] of this.#parts.entries())
      for (const [index, instant] of part.at.entries()) {
        at[count] = instant
        parts[count] = number
        indexes[count++] = index
      }
    const order = Uint32Array.from(at, (_, index) => index).sort((a, b) => at[a]! - at[b]! || a - b)
    for (const place of order) yield this.#episode(this.#parts[parts[place]!]!, indexes[place]!)
  }

  #episode({ at: instants, ends, bytes }: PackedTrace, index: number): Episode {
    const at = instants[index]!
    const fields = unpack(bytes.subarray(ends[index - 1] ?? 0, ends[index])) as (number | null)[]
    let next = 0
    const number = (): number => fields[next++] ?? 0
    const maybe = (): number | undefined => fields[next++] ?? undefined
    const waitedMs = maybe()
    const episode: Episode = {
      at,
      since: waitedMs === undefined ? undefined : at - waitedMs,
      teamSince: at - number(),
      lineSince: at - number(),
      lastAgent: undefined,
      declinedBy: [],
      answerMs: undefined,
      legs: [],
    }
    const lastAgent = this.#agents[number()]
    const lastAt = at - number()
    if (lastAgent !== undefined) episode.lastAgent = { id: lastAgent, at: lastAt }
    episode.answerMs = maybe()
    episode.declinedBy = Array.from({ length: number() }, () => this.#agents[number()]!)
    while (next < fields.length) {
      const [gapMs, wish, flags, waitMs] = [number(), number(), number(), number()]
      const leg: Leg = {
        gapMs,
        wish,
        isTeamGiven: (flags & TEAM_GIVEN) !== 0,
        changes: [],
        waitMs,
        agent: this.#agents[number()],
        isByHand: (flags & BY_HAND) !== 0,
        overflows: number(),
        serviceMs: number(),
        end: LEG_ENDS[number()] ?? 'open',
      }
      for (let left = number(); left > 0; left--)
        leg.changes.push({ afterMs: number(), wish: number(), isTeamGiven: number() === TEAM_GIVEN })
      episode.legs.push(leg)
    }
    return episode
  }
}
