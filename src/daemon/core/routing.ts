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
  readonly skills: Readonly<Record<string, number>>
  readonly languages: readonly string[]
  readonly capacity: Capacity
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
  readonly requires: Readonly<Record<string, number>>
  readonly prefers: readonly string[]
  readonly language: string | undefined
  readonly declinedBy: readonly string[]
  readonly lastAgent: { readonly id: string; readonly at: number } | undefined
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
export const OBSTACLES = ['offline', 'away', 'declined', 'unskilled', 'full'] as const

/** One of `OBSTACLES`. */
export type Obstacle = (typeof OBSTACLES)[number]

/** What keeps an agent from a conversation; undefined when nothing does. */
export function obstacle(agent: RoutingAgent, need: Need): Obstacle | undefined {
  if (agent.presence !== 'online') return agent.presence
  if (need.declinedBy.length > 0 && need.declinedBy.includes(agent.id)) return 'declined'
  if (!hasSkills(agent, need.requires)) return 'unskilled'
  return isFull(agent, need.kind) ? 'full' : undefined
}

/**
 * Gives a conversation to one of the members, or says why to none of them. The agent who served the contact within `stickyMs` goes first; then who has more of the
 * welcome skills, then who speaks the language, then the strategy decides; among equals the smallest id. `nowMs`: epoch ms.
 */
export function route(need: Need, members: readonly RoutingAgent[], policy: RoutingPolicy, nowMs: number): Decision {
  if (!policy.isOpen) return { assign: undefined, reasons: ['off-hours'] }
  if (policy.strategy === 'manual') return { assign: undefined, reasons: ['manual'] }
  const sticky = need.lastAgent !== undefined && nowMs - need.lastAgent.at < policy.stickyMs ? need.lastAgent.id : ''
  let best: RoutingAgent | undefined
  let bestFit = 0
  let free = 0
  for (const agent of members) {
    if (obstacle(agent, need) !== undefined) continue
    free++
    const fit = fitOf(agent, need, sticky)
    if (best === undefined || fit > bestFit || (fit === bestFit && compare(agent, best, policy.strategy) < 0)) {
      best = agent
      bestFit = fit
    }
  }
  if (best === undefined) return { assign: undefined, reasons: obstacles(need, members) }
  return { assign: { id: best.id, name: best.name }, reasons: reasonsFor(best, need, sticky, policy, free) }
}

function hasSkills({ skills }: RoutingAgent, requires: Need['requires']): boolean {
  for (const skill in requires) if (levelOf(skills, skill) < requires[skill]!) return false
  return true
}

/** Skills have names that somebody chose, such as `constructor`, which every object has. */
function levelOf(skills: RoutingAgent['skills'], skill: string): number {
  return Object.hasOwn(skills, skill) ? skills[skill]! : 0
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

function fitOf(agent: RoutingAgent, { prefers, language }: Need, sticky: string): number {
  let fit = agent.id === sticky ? STICKY_FIT : 0
  for (const skill of prefers) if (levelOf(agent.skills, skill) > 0) fit += SKILL_FIT
  if (language !== undefined && agent.languages.includes(language)) fit += LANGUAGE_FIT
  return fit
}

function compare(a: RoutingAgent, b: RoutingAgent, strategy: Strategy): number {
  const first =
    strategy === 'least-active'
      ? a.load - b.load || a.lastAssignedAt - b.lastAssignedAt
      : strategy === 'round-robin'
        ? a.lastAssignedAt - b.lastAssignedAt
        : a.idleSince - b.idleSince
  return first || (a.id < b.id ? -1 : 1)
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
  for (const skill of need.prefers) if (levelOf(agent.skills, skill) > 0) reasons.push(`welcome=${skill}`)
  if (need.language !== undefined && agent.languages.includes(need.language)) reasons.push(`language=${need.language}`)
  reasons.push(`active=${agent.load}`, `free=${free}`)
  return reasons
}

/** How many members each obstacle keeps away. */
function obstacles(need: Need, members: readonly RoutingAgent[]): readonly string[] {
  if (members.length === 0) return ['no-members']
  const counts = new Map<Obstacle, number>()
  for (const agent of members) {
    const kept = obstacle(agent, need)
    if (kept !== undefined) counts.set(kept, (counts.get(kept) ?? 0) + 1)
  }
  return OBSTACLES.flatMap(name => (counts.has(name) ? [`${name}=${counts.get(name)}`] : []))
}
