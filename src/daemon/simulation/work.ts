import type { Episode, Leg, Wish } from './trace.js'

/** How long things take: as recorded, and where nothing was recorded, as they took in the median. */

/** Medians of what was recorded, of a team and of all. */
export type Medians = {
  serviceMs(team: string | undefined): number
  answerMs(team: string | undefined): number | undefined
}

/** What an agent has to do for a conversation, and the leg with which that ends. */
export type Work = { readonly ms: number; readonly last: number }

/** When nothing at all was recorded. */
const UNKNOWN_SERVICE_MS = 5 * 60_000

/** Whose conversation an episode is, in every scenario: the team to which it was sent before it first got an agent, and how urgent it was then. */
export type Home = { readonly team: string | undefined; readonly rank: number }

/** The home of an episode. */
export function homeOf({ legs }: Episode, wishes: readonly Wish[]): Home {
  const [first] = legs
  if (first === undefined) return { team: undefined, rank: 0 }
  const sent = first.changes.findLast(({ isTeamGiven }) => isTeamGiven)
  return {
    team: wishes[(sent ?? first).wish]?.team,
    rank: wishes[(first.changes.at(-1) ?? first).wish]?.rank ?? 0,
  }
}

/** The work that begins with a leg. Who was gone before the end left the rest to the next one: that is one work. */
export function workFrom({ legs }: Episode, index: number, medianMs: number): Work {
  if (legs[index]?.agent === undefined) return { ms: medianMs, last: index }
  let ms = 0
  let last = index
  for (let leg: Leg | undefined = legs[index]; leg?.agent !== undefined; leg = legs[++last]) {
    ms += leg.serviceMs
    if (leg.end === 'open') return { ms: Math.max(ms, medianMs), last }
    if (leg.end !== 'gone') return { ms, last }
  }
  return { ms, last: last - 1 }
}

/** The medians of a trace. */
export function mediansOf(episodes: Iterable<Episode>, wishes: readonly Wish[]): Medians {
  const service = new Samples()
  const answer = new Samples()
  for (const episode of episodes) {
    const { team } = homeOf(episode, wishes)
    if (episode.answerMs !== undefined) answer.add(team, episode.answerMs)
    for (const [index, leg] of episode.legs.entries()) {
      if (leg.agent === undefined || episode.legs[index - 1]?.end === 'gone') continue
      const { ms, last } = workFrom(episode, index, 0)
      if (episode.legs[last]?.end === 'closed') service.add(team, ms)
    }
  }
  return {
    serviceMs: team => service.median(team) ?? UNKNOWN_SERVICE_MS,
    answerMs: team => answer.median(team),
  }
}

class Samples {
  readonly #all: number[] = []
  readonly #byTeam = new Map<string | undefined, number[]>()
  readonly #medians = new Map<string | undefined, number | undefined>()
  #median: number | undefined

  add(team: string | undefined, value: number): void {
    this.#all.push(value)
    const present = this.#byTeam.get(team)
    if (present === undefined) this.#byTeam.set(team, [value])
    else present.push(value)
  }

  /** Of the team; of all where the team has none. */
  median(team: string | undefined): number | undefined {
    if (!this.#medians.has(team)) this.#medians.set(team, middle(this.#byTeam.get(team) ?? []))
    this.#median ??= middle(this.#all)
    return this.#medians.get(team) ?? this.#median
  }
}

function middle(values: readonly number[]): number | undefined {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)]
}
