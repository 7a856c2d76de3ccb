import type { BotStatus } from '../core/bot.js'
import { formatWeekly } from '../core/hours-text.js'
import type { Agent, Channel, TokenEntry } from '../core/model.js'
import type { Team } from '../core/team.js'
import { FINGERPRINT_LENGTH } from '../engine/registry/access-tokens.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { TeamRegistry } from '../engine/registry/teams.js'
import type { BotControlPorts } from './bot-secrets.js'
import type { AgentView, ChannelView, TeamView } from './schemas.js'

/** How agents, channels and teams are shown: by names, without secrets. */
export type Views = {
  agent(agent: Agent): AgentView
  channel(channel: Channel): ChannelView
  team(team: Team): TeamView
}

/** Views that look names up when they are made. */
export function createViews(
  agents: Pick<AgentRegistry, 'byId'>,
  teams: Pick<TeamRegistry, 'byId' | 'ofAgent'>,
  bots: Pick<BotControlPorts, 'status'>,
): Views {
  return {
    agent({ id, name, role, tokens, skills, languages, capacity, endpoint, createdAt }) {
      return {
        id,
        name,
        role,
        teams: teams.ofAgent(id).map(team => team.name),
        skills,
        languages,
        ...(capacity === undefined ? {} : { capacity }),
        ...(endpoint === undefined ? {} : calledView(endpoint, bots.status(id))),
        tokens: viewTokens(tokens),
        createdAt,
      }
    },
    channel({ number, name, kind, origins, team, bot, language, replies, idle, retain, settings, tokens, createdAt }) {
      return {
        number,
        name,
        kind,
        origins,
        ...(team === undefined ? {} : { team: teams.byId(team)?.name ?? team }),
        ...(bot === undefined ? {} : { bot: agents.byId(bot)?.name ?? bot }),
        ...(language === undefined ? {} : { language }),
        ...(replies === undefined ? {} : { replies }),
        ...(idle === undefined ? {} : { idle }),
        ...(retain === undefined ? {} : { retain }),
        ...(settings === undefined ? {} : { settings }),
        tokens: viewTokens(tokens),
        createdAt,
      }
    },
    team({ id, name, strategy, stickyMs, members, hours, overflow, sla, createdAt }) {
      return {
        id,
        name,
        strategy,
        stickyMs,
        members: members.flatMap(member => agents.byId(member)?.name ?? []).sort(),
        ...(hours === undefined ? {} : { hours: { ...hours, weekly: formatWeekly(hours.weekly) } }),
        ...(overflow === undefined
          ? {}
          : { overflow: { ...overflow, team: teams.byId(overflow.team)?.name ?? overflow.team } }),
        ...(sla === undefined ? {} : { sla }),
        createdAt,
      }
    },
  }
}

function calledView(endpoint: string, status: BotStatus | undefined): Pick<AgentView, 'endpoint' | 'isUp' | 'calls'> {
  if (status === undefined) return { endpoint, isUp: false }
  const { isUp, ...calls } = status
  return { endpoint, isUp, calls }
}

function viewTokens(tokens: readonly TokenEntry[]): AgentView['tokens'] {
  return tokens.map(({ sha256, createdAt }) => ({ fingerprint: sha256.slice(0, FINGERPRINT_LENGTH), createdAt }))
}
