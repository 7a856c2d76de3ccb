import type { ConversationId } from '../../codec/conversation-id.js'
import { PRIORITIES } from '../../codec/wire-commands.js'
import type { Channel, Head } from './model.js'
import type { Need } from './routing.js'

/** A conversation that waits. `rank`: the more urgent, the higher. `since`: epoch ms. */
export type Waiting = {
  readonly conversation: ConversationId
  readonly rank: number
  readonly since: number
  readonly need: Need
}

/** The order of a line: the more urgent first, then who waits longest, then by id. */
export function byTurn(a: Waiting, b: Waiting): number {
  return (
    b.rank - a.rank || a.since - b.since || (a.conversation < b.conversation ? -1 : +(a.conversation > b.conversation))
  )
}

/** Conversations that the same agents can take, in order. */
export class WaitingLine {
  readonly key: string
  readonly team: string | undefined
  readonly #items: Waiting[] = []

  constructor(key: string, team: string | undefined) {
    this.key = key
    this.team = team
  }

  get size(): number {
    return this.#items.length
  }

  /** Whose turn it is. */
  get first(): Waiting | undefined {
    return this.#items[0]
  }

  /** In order. */
  get items(): readonly Waiting[] {
    return this.#items
  }

  add(waiting: Waiting): void {
    this.#items.splice(this.before(waiting), 0, waiting)
  }

  /** Whether it was there. */
  remove(waiting: Waiting): boolean {
    const at = this.before(waiting)
    if (this.#items[at]?.conversation !== waiting.conversation) return false
    this.#items.splice(at, 1)
    return true
  }

  /** How many have their turn before this one, which need not be of this line. */
  before(waiting: Waiting): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (byTurn(this.#items[middle]!, waiting) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Equal for conversations that the same agents can take, so that among them only the turn decides. */
export function lineKey({ kind, team, bot, requires, declinedBy, wokenFor }: Need): string {
  const skills = Object.entries(requires).sort(([a], [b]) => (a < b ? -1 : 1))
  const named = bot === undefined && wokenFor === undefined ? [] : [bot ?? null, wokenFor ?? null]
  return JSON.stringify([team ?? null, kind, skills, [...declinedBy].sort(), ...named])
}

/** Where a channel sends its conversations: to the team, when they were sent to none; to the bot first, when they are new. */
export type ChannelRouting = Pick<Channel, 'team' | 'bot'>

/** What a conversation asks for, as it stands. */
export function needOf({ kind, state, details }: Head, channel: ChannelRouting | undefined): Need {
  const { team = channel?.team, requires, prefers, language, declinedBy, lastAgent, wokenFor } = details
  const bot = state === 'new' ? channel?.bot : undefined
  return { kind, team, bot, requires, prefers, language, declinedBy, lastAgent, wokenFor }
}

/** A conversation's place in line; undefined when it does not wait. */
export function waitingOf(head: Head, channel: ChannelRouting | undefined): Waiting | undefined {
  if (head.waitingSince === undefined) return undefined
  const rank = PRIORITIES.indexOf(head.details.priority)
  return { conversation: head.conversation, rank, since: head.waitingSince, need: needOf(head, channel) }
}
