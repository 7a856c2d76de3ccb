import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { PRIORITIES } from '../../../codec/wire-commands.js'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { entityName } from '../../core/entity-name.js'
import { orderedId, type RandomBytes } from '../../core/ordered-id.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import { STRATEGIES, type Strategy } from '../../core/routing.js'
import { TEAM_DEFAULTS, TEAM_LIMITS, type Team } from '../../core/team.js'
import type { AgentRegistry } from './agents.js'
import type { ChannelRegistry } from './channels.js'
import { hoursSchema } from './hours-schema.js'
import { Registry, type RegistryChange } from './registry.js'
import { changedTeam, type TeamChange } from './team-settings.js'

/** What teams stand on. */
export type TeamPorts = {
  readonly directory: DirectoryPort
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
  readonly agents: Pick<AgentRegistry, 'show' | 'byId' | 'onChange'>
  readonly channels: Pick<ChannelRegistry, 'list'>
  /** A removed agent could not be taken out of the stored teams; that is tried again at the next change of an agent and at the next start. */
  report(error: unknown): void
}

/** A team, and whether anything was changed. */
export type TeamChanged = { readonly team: Team; readonly changed: boolean }

/** The teams. Look-ups are synchronous and never wait; changes are durable when their promise resolves. Removed agents leave their teams. */
export type TeamRegistry = {
  /**
   * Makes a team, or finds the same one. Throws `KEFU_TEAM_EXISTS` when the name has other settings, `KEFU_TEAMS_USED`, and what `set` throws for settings.
   */
  add(name: string, settings?: TeamChange): Promise<TeamChanged>
  /**
   * Throws `KEFU_TEAM_NOT_FOUND` (also for a team to overflow to), `KEFU_AGENT_NOT_FOUND`, `KEFU_TEAM_CYCLE`, and `KEFU_USAGE` for what is out of bounds or
   * lacks something.
   */
  set(name: string, change: TeamChange): Promise<TeamChanged>
  /** Throws `KEFU_TEAM_NOT_FOUND` with the nearest name. */
  show(name: string): Team
  /** All teams, by name. The same array until something changes. */
  list(): readonly Team[]
  /** Its id is never given out again. Throws `KEFU_TEAM_NOT_FOUND`; `KEFU_TEAM_IN_USE` when a channel or another team sends conversations to it. */
  remove(name: string): Promise<Team>
  byId(id: string): Team | undefined
  byName(name: string): Team | undefined
  /** The teams of an agent, by name. */
  ofAgent(agent: string): readonly Team[]
  /** Runs a step with a team that is not removed before the step has ended. Throws `KEFU_TEAM_NOT_FOUND` and what the step throws. */
  keep<R>(name: string, step: (team: Team) => Promise<R>): Promise<R>
  /** Calls back after every durable change, in order; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<Team>) => void): () => void
}

const PREFIX = 'team/'

const durationMs = z.int().min(0).max(TEAM_LIMITS.durationMs)
const responseTimes = { firstResponseMs: durationMs.exactOptional(), nextResponseMs: durationMs.exactOptional() }

const teamSchema: z.ZodType<Team> = z.object({
  id: z.string(),
  name: z.string(),
  strategy: z.enum(Object.keys(STRATEGIES) as [Strategy, ...Strategy[]]),
  stickyMs: durationMs,
  members: z.array(z.string()).max(TEAM_LIMITS.members).readonly(),
  hours: hoursSchema.exactOptional(),
  overflow: z.object({ afterMs: durationMs, team: z.string() }).readonly().exactOptional(),
  sla: z
    .object({
      ...responseTimes,
      perPriority: z.partialRecord(z.enum(PRIORITIES), z.object(responseTimes).readonly()).readonly().exactOptional(),
    })
    .readonly()
    .exactOptional(),
  createdAt: z.int(),
})

/** The teams of a directory. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
export async function createTeams(ports: TeamPorts): Promise<TeamRegistry> {
  const { directory, clock, random, agents, channels } = ports
  const registry = await Registry.load(directory, PREFIX, teamSchema)
  const byId = new Map(registry.list().map(team => [team.id, team]))
  let byMember: ReadonlyMap<string, readonly Team[]> | undefined
  registry.onChange(change => {
    byMember = undefined
    if (change.type === 'removed') byId.delete(change.before.id)
    else byId.set(change.value.id, change.value)
  })

  const show = (text: string): Team => {
    const name = entityName(text)
    const team = registry.get(name)
    if (team !== undefined) return team
    const names = registry.list().map(known => known.name)
    throw new KefuError('KEFU_TEAM_NOT_FOUND', { name, suggestion: suggestion(name, names) })
  }
  const names = { agentId: (name: string) => agents.show(name).id, teamId: (name: string) => show(name).id }

  const checkOverflow = (team: Team): void => {
    const seen = new Set<string>()
    let next = team.overflow
    while (next !== undefined && !seen.has(next.team)) {
      if (next.team === team.id) {
        const overflow = byId.get(team.overflow!.team)?.name ?? team.name
        throw new KefuError('KEFU_TEAM_CYCLE', { name: team.name, overflow })
      }
      seen.add(next.team)
      next = byId.get(next.team)?.overflow
    }
  }

  const dropMissing = async (): Promise<void> => {
    for (const team of registry.list()) {
      const members = team.members.filter(id => agents.byId(id) !== undefined)
      if (members.length < team.members.length) await registry.update({ ...team, members })
    }
  }
  const dropMissingLater = (): void => {
    registry.exclusive(dropMissing).catch((error: unknown) => ports.report(error))
  }
  agents.onChange(change => {
    if (change.type === 'removed') dropMissingLater()
  })
  // The process may have ended between the removal of an agent and this.
  dropMissingLater()

  return {
    show,
    list: () => registry.list(),
    byId: id => byId.get(id),
    byName: name => registry.get(name.normalize('NFC')),
    ofAgent(agent) {
      byMember ??= teamsByMember(registry.list())
      return byMember.get(agent) ?? []
    },
    keep: (name, step) => registry.exclusive(() => step(show(name))),
    onChange: callback => registry.onChange(callback),
    async add(text, settings = {}) {
      const name = entityName(text)
      return registry.exclusive(async () => {
        const present = registry.get(name)
        const createdAt = present?.createdAt ?? clock.now()
        const id = present?.id ?? orderedId('t', createdAt, random)
        const team = changedTeam({ id, name, ...TEAM_DEFAULTS, members: [], createdAt }, settings, names)
        if (present !== undefined) {
          if (!isDeepStrictEqual(present, team)) throw new KefuError('KEFU_TEAM_EXISTS', { name })
          return { team: present, changed: false }
        }
        if (registry.list().length >= TEAM_LIMITS.teams)
          throw new KefuError('KEFU_TEAMS_USED', { limit: TEAM_LIMITS.teams })
        checkOverflow(team)
        await registry.create(team)
        return { team, changed: true }
      })
    },
    set: (name, change) =>
      registry.exclusive(async () => {
        const present = show(name)
        const team = changedTeam(present, change, names)
        if (isDeepStrictEqual(present, team)) return { team: present, changed: false }
        checkOverflow(team)
        await registry.update(team)
        return { team, changed: true }
      }),
    remove: text =>
      registry.exclusive(async () => {
        const team = show(text)
        const { id, name } = team
        const before = registry.list().find(({ overflow }) => overflow?.team === id)?.name
        if (before !== undefined) throw inUse(name, `the team "${before}"`, `kefu team set ${before} --no-overflow`)
        const channel = channels.list().find(({ team }) => team === id)?.name
        if (channel !== undefined)
          throw inUse(name, `the channel "${channel}"`, `kefu channel set ${channel} --no-team`)
        await registry.remove(name)
        return team
      }),
  }
}

function teamsByMember(teams: readonly Team[]): ReadonlyMap<string, readonly Team[]> {
  const byMember = new Map<string, Team[]>()
  for (const team of teams) {
    for (const member of team.members) {
      const present = byMember.get(member)
      if (present === undefined) byMember.set(member, [team])
      else present.push(team)
    }
  }
  return byMember
}

function inUse(name: string, user: string, command: string): KefuError {
  return new KefuError('KEFU_TEAM_IN_USE', { name, user, command })
}
