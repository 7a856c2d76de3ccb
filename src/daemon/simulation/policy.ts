import { z } from 'zod'
import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { parseDurationMs } from '../config/units.js'
import { entityName } from '../core/entity-name.js'
import { parseWeekly } from '../core/hours-text.js'
import { type Agent, CHANNEL_KIND_NAMES } from '../core/model.js'
import { STRATEGIES, type Strategy } from '../core/routing.js'
import type { Team } from '../core/team.js'
import { type AgentChange, changedAgent } from '../engine/registry/agent-settings.js'
import { changedTeam, type HoursChange, type TeamChange } from '../engine/registry/team-settings.js'
import type { Roster, RosterAgent } from './roster.js'

/** The settings as they are. */
export type Settings = {
  readonly agents: readonly Agent[]
  readonly teams: readonly Team[]
  readonly strategy: Strategy
  readonly stickyMs: number
  /** Of agents without a capacity of their own. */
  readonly capacity: number
  readonly requeueAfterMs: number
}

const HYPOTHETICAL_LIMIT = 1_000

const strategy = z.enum(Object.keys(STRATEGIES) as [Strategy, ...Strategy[]])
const name = z.string().min(1).max(200)
const names = z.array(name).max(2_000)
const duration = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = parseDurationMs(text)
    if (ms !== undefined) return ms
    context.addIssue({ code: 'custom', message: 'a duration needs a unit, such as 30s, 5m or 24h' })
    return z.NEVER
  })
const count = z.int().min(0).max(10_000)

const routing = z.strictObject({
  strategy: strategy.exactOptional(),
  stickyWindow: duration.exactOptional(),
  capacity: count.min(1).exactOptional(),
})
const presence = z.strictObject({ requeueAfter: duration.exactOptional() })
const team = z.strictObject({
  strategy: strategy.exactOptional(),
  sticky: duration.exactOptional(),
  members: names.exactOptional(),
  addMembers: names.exactOptional(),
  removeMembers: names.exactOptional(),
  hours: z.string().max(4_000).nullable().exactOptional(),
  timeZone: z.string().max(100).exactOptional(),
  overflowTo: name.nullable().exactOptional(),
  overflowAfter: duration.exactOptional(),
  firstResponse: duration.exactOptional(),
})
const agent = z.strictObject({
  like: name.exactOptional(),
  capacity: count.min(1).exactOptional(),
  capacityOf: z.partialRecord(z.enum(CHANNEL_KIND_NAMES), count).exactOptional(),
  skills: z.record(name, z.int()).exactOptional(),
  removeSkills: names.exactOptional(),
  languages: names.exactOptional(),
})
const schema = z.strictObject({
  routing: routing.exactOptional(),
  presence: presence.exactOptional(),
  teams: z.record(name, team).exactOptional(),
  agents: z.record(name, agent).exactOptional(),
})

type Policy = z.output<typeof schema>
type TeamPolicy = z.output<typeof team>
type AgentPolicy = z.output<typeof agent>

/** Which keys there are, by where: the first word of the path and its depth. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(schema.shape),
  routing: Object.keys(routing.shape),
  presence: Object.keys(presence.shape),
  teams: Object.keys(team.shape),
  agents: Object.keys(agent.shape),
}

/** Who works under which rules at present. */
export function presentRoster(settings: Settings): Roster {
  const { agents, teams, strategy, stickyMs, capacity, requeueAfterMs } = settings
  return {
    everybody: { strategy, stickyMs },
    teams,
    agents: agents
      .filter(isPerson)
      .map(({ id, name, skills, languages, capacity: own = { total: capacity, perKind: {} } }) => ({
        id,
        name,
        skills,
        languages,
        capacity: own,
      })),
    requeueAfterMs,
  }
}

/**
 * Who would work under which rules with a policy: the present settings with what it names. Throws `KEFU_POLICY_INVALID`, `KEFU_TEAM_NOT_FOUND`, `KEFU_AGENT_NOT_FOUND`,
 * `KEFU_TEAM_CYCLE`, and `KEFU_USAGE` for values that the settings do not take either.
 */
export function policyRoster(settings: Settings, given: unknown): Roster {
  const policy = parsePolicy(given)
  const agents = new Map(settings.agents.filter(isPerson).map(present => [present.name, present]))
  const teams = new Map(settings.teams.map(present => [present.name, present]))
  const alike = new Map<string, string>()
  for (const [text, change] of Object.entries(policy.agents ?? {})) {
    const name = text.normalize('NFC')
    const present = agents.get(name) ?? newAgent(name, change, agents, alike)
    agents.set(name, changedAgent(present, agentChange(change, present)))
  }
  const find = <T extends { readonly id: string }>(
    known: ReadonlyMap<string, T>,
    code: 'KEFU_AGENT_NOT_FOUND' | 'KEFU_TEAM_NOT_FOUND',
    text: string,
  ): T => {
    const name = text.normalize('NFC')
    const found = known.get(name)
    if (found === undefined) throw new KefuError(code, { name, suggestion: suggestion(name, known.keys()) })
    return found
  }
  const lookUp = {
    agentId: (text: string) => find(agents, 'KEFU_AGENT_NOT_FOUND', text).id,
    teamId: (text: string) => find(teams, 'KEFU_TEAM_NOT_FOUND', text).id,
  }
  for (const [id, model] of alike)
    for (const [name, present] of teams)
      if (present.members.includes(model)) teams.set(name, { ...present, members: [...present.members, id].sort() })
  for (const [text, change] of Object.entries(policy.teams ?? {})) {
    const present = find(teams, 'KEFU_TEAM_NOT_FOUND', text)
    refuseManual(`teams.${present.name}`, present.strategy, change.strategy)
    teams.set(present.name, changedTeam(present, teamChange(change), lookUp))
  }
  refuseManual('routing', settings.strategy, policy.routing?.strategy)
  checkOverflows([...teams.values()])
  const roster = presentRoster({
    agents: [...agents.values()],
    teams: [...teams.values()],
    strategy: policy.routing?.strategy ?? settings.strategy,
    stickyMs: policy.routing?.stickyWindow ?? settings.stickyMs,
    capacity: policy.routing?.capacity ?? settings.capacity,
    requeueAfterMs: policy.presence?.requeueAfter ?? settings.requeueAfterMs,
  })
  const withModel = (present: RosterAgent): RosterAgent => {
    const like = alike.get(present.id)
    return like === undefined ? present : { ...present, like }
  }
  return { ...roster, agents: roster.agents.map(withModel) }
}

function isPerson({ role }: Agent): boolean {
  return role !== 'bot'
}

function parsePolicy(given: unknown): Policy {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue === undefined) throw invalid('it cannot be read')
  const path = issue.path.map(String)
  const where = path.length === 0 ? '' : `${path.join('.')}: `
  if (issue.code !== 'unrecognized_keys') throw invalid(`${where}${issue.message}`)
  const key = issue.keys[0] ?? ''
  const known = KEYS[path[0] ?? ''] ?? []
  const near = suggestion(key, known)
  const words = near === '' ? `; there are ${known.join(', ')}` : near
  throw invalid(`${where}there is no "${key.slice(0, 40).replace(/\p{C}/gu, '\u{fffd}')}"${words}`)
}

/** Somebody who does not exist, like somebody who does: with the same presence, skills, languages, capacity and teams. */
function newAgent(
  name: string,
  { like }: AgentPolicy,
  agents: ReadonlyMap<string, Agent>,
  alike: Map<string, string>,
): Agent {
  if (like === undefined) {
    if (name.length === 0) throw invalid('agents: a name is empty')
    throw new KefuError('KEFU_AGENT_NOT_FOUND', { name, suggestion: suggestion(name, agents.keys()) })
  }
  const model = agents.get(like.normalize('NFC'))
  if (model === undefined)
    throw new KefuError('KEFU_AGENT_NOT_FOUND', { name: like, suggestion: suggestion(like, agents.keys()) })
  if (alike.size >= HYPOTHETICAL_LIMIT) throw invalid(`agents: at most ${HYPOTHETICAL_LIMIT} can be made up`)
  // Sorts behind every agent there is.
  const id = `~${String(alike.size).padStart(4, '0')}`
  alike.set(id, alike.get(model.id) ?? model.id)
  return { ...model, id, name: entityName(name) }
}

function agentChange(policy: AgentPolicy, present: Agent): AgentChange {
  const { capacity, capacityOf, skills, removeSkills, languages, like } = policy
  if (like !== undefined && !present.id.startsWith('~'))
    throw invalid(`agents.${present.name}.like: this agent exists; only one who does not can be like another`)
  return {
    ...(skills === undefined ? {} : { skills }),
    ...(removeSkills === undefined ? {} : { removeSkills }),
    ...(languages === undefined ? {} : { languages }),
    ...(capacity === undefined && capacityOf === undefined
      ? {}
      : {
          capacity: {
            ...(capacity === undefined ? {} : { total: capacity }),
            ...(capacityOf === undefined ? {} : { perKind: capacityOf }),
          },
        }),
  }
}

function teamChange(policy: TeamPolicy): TeamChange {
  const { sticky, hours, timeZone, overflowTo, overflowAfter, firstResponse, ...change } = policy
  const hoursChange: HoursChange = {
    ...(typeof hours === 'string' ? { weekly: parseWeekly(hours) } : {}),
    ...(timeZone === undefined ? {} : { timeZone }),
  }
  const overflow = {
    ...(typeof overflowTo === 'string' ? { team: overflowTo } : {}),
    ...(overflowAfter === undefined ? {} : { afterMs: overflowAfter }),
  }
  return {
    ...change,
    ...(sticky === undefined ? {} : { stickyMs: sticky }),
    ...(hours === null ? { hours: null } : Object.keys(hoursChange).length > 0 ? { hours: hoursChange } : {}),
    ...(overflowTo === null ? { overflow: null } : Object.keys(overflow).length > 0 ? { overflow } : {}),
    ...(firstResponse === undefined ? {} : { sla: { firstResponseMs: firstResponse } }),
  }
}

function refuseManual(where: string, present: Strategy, wanted: Strategy | undefined): void {
  if (wanted === 'manual' && present !== 'manual')
    throw invalid(`${where}.strategy: nobody knows when agents would have taken by hand what was given out to them`)
}

function checkOverflows(teams: readonly Team[]): void {
  const byId = new Map(teams.map(present => [present.id, present]))
  for (const start of teams) {
    const seen = new Set([start.id])
    for (
      let next = byId.get(start.overflow?.team ?? '');
      next !== undefined;
      next = byId.get(next.overflow?.team ?? '')
    ) {
      if (next.id === start.id)
        throw new KefuError('KEFU_TEAM_CYCLE', {
          name: start.name,
          overflow: byId.get(start.overflow!.team)?.name ?? start.name,
        })
      if (seen.has(next.id)) break
      seen.add(next.id)
    }
  }
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_POLICY_INVALID', { reason })
}
