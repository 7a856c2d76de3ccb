import type { Capacity, ChannelKind } from './model.js'

/** Who gets a conversation. Pure; the reasons go into the record, so that a restart and `explain` read what was decided. */

/** How a team's conversations are given out; `manual`: its agents take them by themselves. */
export const STRATEGIES = {
  'least-active': 'who has the fewest conversations; among equals, who has waited longest for work',
  'round-robin': 'who was given one longest ago',
  'longest-idle': 'who has been without anything new or finished for longest',
  manual: 'nobody by itself: agents pick up',
} as const satisfies Record<string, string>

/** One of `STRATEGIES`. */
export type Strategy = keyof typeof STRATEGIES

/** Whether an agent can be given anything now. */
export type Presence = 'online' | 'away' | 'offline'

/** An agent as the decision sees it. Instants are monotonic ms, 0 for never. */
export type RoutingAgent = {
  readonly id: string
  readonly name: string
  /** Levels from 1 to 5. */
  readonly skills: ReadonlyMap<string, number>
  readonly languages: readonly string[]
  readonly capacity: Capacity
  /** A program: of no team, and given only what is new on the channels that name it. */
  readonly isBot: boolean
  readonly presence: Presence
  /** Conversations the agent has, in all and of each kind of channel. */
  readonly load: number
  readonly loadOf: Readonly<Partial<Record<ChannelKind, number>>>
  readonly lastAssignedAt: number
  /** When the agent last got or finished a conversation, or came. */
  readonly idleSince: number
}

/** What a conversation asks for. */
export type Need = {
  readonly kind: ChannelKind
  readonly team: string | undefined
  /** Who is asked before any person. */
  readonly bot: string | undefined
  readonly requires: Readonly<Record<string, number>>
  readonly prefers: readonly string[]
  readonly language: string | undefined
  readonly declinedBy: readonly string[]
  readonly lastAgent: { readonly id: string; readonly at: number } | undefined
  /** Who had put it aside: it goes back to them, whatever the team decides, if they are there and have room. */
  readonly wokenFor: string | undefined
}

/** How a team decides. */
export type RoutingPolicy = {
  readonly strategy: Strategy
  /** For how long after their last conversation a contact is given to the same agent (ms); 0 for never. */
  readonly stickyMs: number
  /** Within the team's hours. */
  readonly isOpen: boolean
}

/** The decision with its reasons: words, or `word=value`. */
export type Decision = {
  readonly assign: { readonly id: string; readonly name: string } | undefined
  readonly reasons: readonly string[]
}

/** Why an agent does not get a conversation, in the order in which it is looked at. */
export const OBSTACLES = ['unskilled', 'offline', 'away', 'declined', 'full'] as const

const [UNSKILLED, OFFLINE, AWAY, DECLINED, FULL] = [0, 1, 2, 3, 4] as const
const NOTHING = -1

/** One of `OBSTACLES`. */
export type Obstacle = (typeof OBSTACLES)[number]

/** What keeps an agent from a conversation; undefined when nothing does. */
export function obstacle(agent: RoutingAgent, need: Need): Obstacle | undefined {
  return OBSTACLES[isSkilled(agent, Object.entries(need.requires)) ? keptBy(agent, need) : UNSKILLED]
}

/** What the members of a team are to a sort of conversation by their settings alone: the same until an agent or the team is changed. */
export type Candidates = {
  /** Those who have the required skills. */
  readonly able: readonly RoutingAgent[]
  /** How well each of them fits. */
  readonly fits: readonly number[]
  /** How many of the members have not. */
  readonly unskilled: number
}

/** What `route` asks of members' settings. Conversations of one `candidatesKey` have the same candidates in a team. */
export function candidatesOf(members: readonly RoutingAgent[], need: Need): Candidates {
  const required = Object.entries(need.requires)
  const able = required.length === 0 ? members : members.filter(agent => isSkilled(agent, required))
  return { able, fits: able.map(agent => fitOf(agent, need)), unskilled: members.length - able.length }
}

/** What of a need decides on its candidates in a team, as a text. */
export function candidatesKey({ requires, prefers, language }: Need): string {
  return isEmpty(requires) && prefers.length === 0 ? (language ?? '') : JSON.stringify([requires, prefers, language])
}

/**
 * Gives a conversation to one of the team's members, or says why to none of them. The agent who served the contact within `stickyMs` goes first; then who has more of the
 * welcome skills, then who speaks the language, then the strategy decides; among equals the smallest id. `nowMs`: epoch ms.
 */
export function route(need: Need, candidates: Candidates, policy: RoutingPolicy, nowMs: number): Decision {
  if (!policy.isOpen) return { assign: undefined, reasons: ['off-hours'] }
  if (policy.strategy === 'manual') return { assign: undefined, reasons: ['manual'] }
  const sticky = need.lastAgent !== undefined && nowMs - need.lastAgent.at < policy.stickyMs ? need.lastAgent.id : ''
  const { strategy } = policy
  const { able, fits } = candidates
  let best: RoutingAgent | undefined
  let bestFit = 0
  let free = 0
  const kept = OBSTACLES.map(() => 0)
  kept[UNSKILLED] = candidates.unskilled
  for (let at = 0; at < able.length; at++) {
    const agent = able[at]!
    const by = keptBy(agent, need)
    if (by !== NOTHING) {
      kept[by]!++
      continue
    }
    free++
    const fit = agent.id === sticky ? STICKY_FIT : fits[at]!
    if (best === undefined || fit > bestFit || (fit === bestFit && isBefore(agent, best, strategy))) {
      best = agent
      bestFit = fit
    }
  }
  if (best === undefined) return { assign: undefined, reasons: obstacleReasons(kept) }
  return { assign: { id: best.id, name: best.name }, reasons: reasonsFor(best, need, sticky, policy, free) }
}

type Required = readonly (readonly [skill: string, level: number])[]

function isSkilled({ skills }: RoutingAgent, required: Required): boolean {
  return required.every(([skill, level]) => (skills.get(skill) ?? 0) >= level)
}

/** What keeps an agent away at this moment, as its place in `OBSTACLES`, or `NOTHING`: asked of every candidate at every decision. */
function keptBy(agent: RoutingAgent, need: Need): number {
  if (agent.presence !== 'online') return agent.presence === 'offline' ? OFFLINE : AWAY
  if (need.declinedBy.length > 0 && need.declinedBy.includes(agent.id)) return DECLINED
  return isFull(agent, need.kind) ? FULL : NOTHING
}

function isFull({ load, loadOf, capacity }: RoutingAgent, kind: ChannelKind): boolean {
  if (load >= capacity.total) return true
  const limit = capacity.perKind[kind]
  return limit !== undefined && (loadOf[kind] ?? 0) >= limit
}

const LANGUAGE_FIT = 1
/** More than the language weighs; there are fewer welcome skills than this. */
const SKILL_FIT = 2
const STICKY_FIT = 1_000

function fitOf(agent: RoutingAgent, { prefers, language }: Need): number {
  let fit = 0
  for (const skill of prefers) if (agent.skills.has(skill)) fit += SKILL_FIT
  if (language !== undefined && speaks(agent, language)) fit += LANGUAGE_FIT
  return fit
}

/** Whether one of the tags is the more general of the other: `zh` and `zh-CN`, but not `zh-TW` and `zh-CN`. */
function speaks({ languages }: RoutingAgent, wanted: string): boolean {
  return languages.some(
    language => language === wanted || language.startsWith(`${wanted}-`) || wanted.startsWith(`${language}-`),
  )
}

/** Whether the strategy prefers one agent to another. */
function isBefore(a: RoutingAgent, b: RoutingAgent, strategy: Strategy): boolean {
  if (strategy === 'longest-idle') return a.idleSince < b.idleSince || (a.idleSince === b.idleSince && a.id < b.id)
  if (strategy === 'least-active' && a.load !== b.load) return a.load < b.load
  return a.lastAssignedAt < b.lastAssignedAt || (a.lastAssignedAt === b.lastAssignedAt && a.id < b.id)
}

function reasonsFor(
  agent: RoutingAgent,
  need: Need,
  sticky: string,
  policy: RoutingPolicy,
  free: number,
): readonly string[] {
  const reasons: string[] = agent.id === sticky ? ['sticky'] : [policy.strategy]
  for (const skill of Object.keys(need.requires)) reasons.push(`skill=${skill}`)
  for (const skill of need.prefers) if (agent.skills.has(skill)) reasons.push(`welcome=${skill}`)
  if (need.language !== undefined && speaks(agent, need.language)) reasons.push(`language=${need.language}`)
  reasons.push(`active=${agent.load}`, `free=${free}`)
  return reasons
}

function isEmpty(map: Readonly<Record<string, unknown>>): boolean {
  for (const _ in map) return false
  return true
}

/** How many members each obstacle keeps away. */
function obstacleReasons(kept: readonly number[]): readonly string[] {
  const reasons = OBSTACLES.flatMap((name, at) => (kept[at] === 0 ? [] : [`${name}=${kept[at]}`]))
  return reasons.length === 0 ? ['no-members'] : reasons
}
