import { KefuError } from '../../../errors.js'
import { endpointUrl } from '../../core/endpoint.js'
import { entityName } from '../../core/entity-name.js'
import { languageTag } from '../../core/languages.js'
import type { Agent, AgentRole, Capacity, ChannelKind } from '../../core/model.js'

/** What is to be changed of an agent; what is not named stays. */
export type AgentChange = {
  readonly role?: AgentRole
  /** Skills with their levels (1 to 5): new ones, and new levels. */
  readonly skills?: Readonly<Record<string, number>>
  readonly removeSkills?: readonly string[]
  /** Language tags, in place of those before. */
  readonly languages?: readonly string[]
  /** Null: as the configuration says. */
  readonly capacity?: CapacityChange | null
  /** Null: it connects by itself. */
  readonly endpoint?: string | null
}

/** What is to be changed of a capacity: the total, limits for kinds of channels, and kinds that lose theirs. */
export type CapacityChange = {
  readonly total?: number
  readonly perKind?: Capacity['perKind']
  readonly removeKinds?: readonly ChannelKind[]
}

/** How much an agent's settings hold. */
export const AGENT_LIMITS = { skills: 100, level: 5, languages: 32, capacity: 10_000 } as const

/** The agent with the change, each list in order. Throws `KEFU_USAGE` for a name, level, tag or number that is none, and for too many. */
export function changedAgent(agent: Agent, change: AgentChange): Agent {
  const { capacity: before, endpoint: endpointBefore, ...rest } = agent
  const capacity = change.capacity === undefined ? before : changedCapacity(before, change.capacity)
  const role = change.role ?? agent.role
  const endpoint = changedEndpoint(endpointBefore, change.endpoint)
  if (endpoint !== undefined && role !== 'bot') throw usage('only a bot has an endpoint: --role bot, or --no-endpoint')
  return {
    ...rest,
    role,
    skills: changedSkills(agent.skills, change),
    languages: change.languages === undefined ? agent.languages : languageTags(change.languages),
    ...(capacity === undefined ? {} : { capacity }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

function changedEndpoint(before: string | undefined, change: string | null | undefined): string | undefined {
  if (change === undefined) return before
  return change === null ? undefined : endpointUrl(change)
}

function changedSkills(
  before: Agent['skills'],
  { skills = {}, removeSkills = [] }: Pick<AgentChange, 'skills' | 'removeSkills'>,
): Agent['skills'] {
  const levels = new Map(Object.entries(before))
  for (const [text, level] of Object.entries(skills)) {
    const name = entityName(text)
    if (!isWithin(level, 1, AGENT_LIMITS.level))
      throw usage(`the level of the skill ${name} is from 1 to ${AGENT_LIMITS.level}`)
    levels.set(name, level)
  }
  for (const text of removeSkills) levels.delete(entityName(text))
  if (levels.size > AGENT_LIMITS.skills) throw usage(`an agent has at most ${AGENT_LIMITS.skills} skills`)
  return Object.fromEntries([...levels].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function changedCapacity(before: Capacity | undefined, change: CapacityChange | null): Capacity | undefined {
  if (change === null) return undefined
  const total = change.total ?? before?.total
  if (total === undefined) throw usage('a capacity for a kind of channel needs one in all beside it')
  const perKind = { ...before?.perKind, ...change.perKind }
  for (const kind of change.removeKinds ?? []) delete perKind[kind]
  if (!isWithin(total, 1, AGENT_LIMITS.capacity))
    throw usage(`a capacity is from 1 to ${AGENT_LIMITS.capacity} conversations`)
  for (const [kind, limit] of Object.entries(perKind))
    if (!isWithin(limit, 0, AGENT_LIMITS.capacity))
      throw usage(`a capacity for ${kind} channels is from 0 to ${AGENT_LIMITS.capacity} conversations`)
  return { total, perKind }
}

/** In the spelling of BCP 47 (`zh`, `pt-BR`), sorted, each once. */
function languageTags(given: readonly string[]): readonly string[] {
  if (given.length > AGENT_LIMITS.languages) throw usage(`an agent has at most ${AGENT_LIMITS.languages} languages`)
  return [...new Set(given.map(languageTag))].sort()
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
