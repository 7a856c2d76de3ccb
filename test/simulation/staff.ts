import type { BoardAgent, BoardTeam } from '../../src/daemon/core/board.js'
import type { ChannelKind } from '../../src/daemon/core/model.js'
import { STRATEGIES, type Strategy } from '../../src/daemon/core/routing.js'
import type { Random } from '../helpers/random.js'

/** The agents and teams of a simulated business. */
export type Staff = {
  readonly agents: ReadonlyMap<string, BoardAgent>
  /** `undefined` is everybody. */
  readonly teams: ReadonlyMap<string | undefined, BoardTeam>
  /** From then on nobody has hours. */
  stayOpen(): void
}

/** What a new conversation asks for. */
export type Wish = {
  readonly kind: ChannelKind
  readonly team: string | undefined
  readonly requires: Readonly<Record<string, number>>
  readonly prefers: readonly string[]
  readonly language: string | undefined
}

const SKILLS = ['billing', 'refund', 'technical', 'wholesale']
const LANGUAGES = ['en', 'zh', 'ja']
const AUTOMATIC = (Object.keys(STRATEGIES) as Strategy[]).filter(strategy => strategy !== 'manual')
/** Teams with hours are open for the first part of every period. */
export const HOURS = { periodMs: 240_000, openMs: 180_000, shiftMs: 30_000 }

/** Overlapping teams: one of ten is manual, one of four has hours. */
export function createStaff(random: Random, counts: { readonly agents: number; readonly teams: number }): Staff {
  const agents = Array.from({ length: counts.agents }, (_, i) => createAgent(random, `a_${String(i).padStart(4, '0')}`))
  const ids = agents.map(({ id }) => id)
  let isAlwaysOpen = false
  const everybody: BoardTeam = { strategy: 'least-active', stickyMs: 60_000, members: undefined, isOpen: () => true }
  const teams = Array.from({ length: counts.teams }, (_, i): [string, BoardTeam] => {
    const hasHours = i % 4 === 1
    const size = random.integer(Math.min(4, ids.length), Math.max(4, Math.floor(ids.length / 6)))
    return [
      `t_${String(i).padStart(2, '0')}`,
      {
        strategy: i % 10 === 9 ? 'manual' : AUTOMATIC[i % AUTOMATIC.length]!,
        stickyMs: i % 3 === 0 ? 0 : 120_000,
        members: [...new Set(Array.from({ length: size }, () => random.pick(ids)))].sort(),
        isOpen: nowMs => isAlwaysOpen || !hasHours || (nowMs + i * HOURS.shiftMs) % HOURS.periodMs < HOURS.openMs,
      },
    ]
  })
  return {
    agents: new Map(agents.map(agent => [agent.id, agent])),
    teams: new Map([[undefined, everybody], ...teams]),
    stayOpen() {
      isAlwaysOpen = true
    },
  }
}

/** Agents of a team. */
export function membersOf({ agents, teams }: Staff, team: string | undefined): readonly BoardAgent[] {
  const members = (teams.get(team) ?? teams.get(undefined)!).members
  return members === undefined ? [...agents.values()] : members.map(id => agents.get(id)!)
}

/** Something that at least one member of the team can do. */
export function createWish(random: Random, staff: Staff): Wish {
  const team = random.next() < 0.3 ? undefined : random.pick([...staff.teams.keys()])
  const requires: Record<string, number> = {}
  if (random.next() < 0.3) {
    const { skills } = random.pick(membersOf(staff, team))
    const known = [...skills.keys()]
    if (known.length > 0) {
      const skill = random.pick(known)
      requires[skill] = random.integer(1, skills.get(skill)!)
    }
  }
  return {
    kind: random.next() < 0.7 ? 'web' : 'app',
    team,
    requires,
    prefers: random.next() < 0.2 ? [random.pick(SKILLS)] : [],
    language: random.next() < 0.5 ? random.pick(LANGUAGES) : undefined,
  }
}

function createAgent(random: Random, id: string): BoardAgent {
  const skills = new Map<string, number>()
  for (const skill of SKILLS) if (random.next() < 0.4) skills.set(skill, random.integer(1, 5))
  const total = random.integer(1, 5)
  return {
    id,
    name: id,
    skills,
    isBot: false,
    languages: LANGUAGES.filter(() => random.next() < 0.5),
    capacity: { total, perKind: total > 1 && random.next() < 0.4 ? { app: random.integer(1, total - 1) } : {} },
  }
}
