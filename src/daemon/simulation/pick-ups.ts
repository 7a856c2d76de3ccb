import type { ConversationId } from '../../codec/conversation-id.js'
import { byTurn, lineKey, type Waiting, WaitingLine } from '../core/waiting-line.js'

type Place = { readonly waiting: Waiting; readonly wanted: string; readonly lines: readonly WaitingLine[] }

/**
 * Conversations that somebody was to take by hand when nobody could: in the order of their turns, for whoever has room next. Each stands in the line of the agent
 * who took it in truth, and, where agents of a team pick up what they like, in one of the team. Whoever cannot take the first of a line can take none of it.
 */
export class PickUps {
  /** By agent, then by kind of channel; and by `lineKey`. */
  readonly #ofAgents = new Map<string, Map<string, WaitingLine>>()
  readonly #ofTeams = new Map<string, WaitingLine>()
  readonly #places = new Map<ConversationId, Place>()

  add(waiting: Waiting, wanted: string, isForTeam: boolean): void {
    this.remove(waiting.conversation)
    const { kind, team } = waiting.need
    let own = this.#ofAgents.get(wanted)
    if (own === undefined) {
      own = new Map()
      this.#ofAgents.set(wanted, own)
    }
    const lines = [lineOf(own, kind, team)]
    if (isForTeam) lines.push(lineOf(this.#ofTeams, lineKey(waiting.need), team))
    for (const line of lines) line.add(waiting)
    this.#places.set(waiting.conversation, { waiting, wanted, lines })
  }

  /** Who was to take it; undefined when it is not here. */
  remove(conversation: ConversationId): string | undefined {
    const place = this.#places.get(conversation)
    if (place === undefined) return undefined
    this.#places.delete(conversation)
    for (const line of place.lines) {
      line.remove(place.waiting)
      // Those of agents are as many as there are agents.
      if (line.size === 0) this.#ofTeams.delete(line.key)
    }
    return place.wanted
  }

  /** Has those tried for an agent that this one may take, until nothing can be taken. `take`: whether somebody took it, so that it is not here any more. */
  offer(
    agent: string,
    isMember: (team: string | undefined) => boolean,
    take: (conversation: ConversationId, wanted: string) => boolean,
  ): void {
    if (this.#places.size === 0) return
    const lines = new Set(this.#ofAgents.get(agent)?.values())
    for (const line of this.#ofTeams.values()) if (isMember(line.team)) lines.add(line)
    for (;;) {
      let next: WaitingLine | undefined
      for (const line of lines)
        if (line.first !== undefined && (next?.first === undefined || byTurn(line.first, next.first) < 0)) next = line
      if (next?.first === undefined) return
      const { conversation } = next.first
      if (!take(conversation, this.#places.get(conversation)!.wanted)) lines.delete(next)
    }
  }
}

function lineOf(lines: Map<string, WaitingLine>, key: string, team: string | undefined): WaitingLine {
  let line = lines.get(key)
  if (line === undefined) {
    line = new WaitingLine(key, team)
    lines.set(key, line)
  }
  return line
}
