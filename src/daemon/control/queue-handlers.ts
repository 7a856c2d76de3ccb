import type { Author } from '../../codec/wire.js'
import type { Head } from '../core/model.js'
import type { SimulationPort } from '../core/simulation.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { TeamRegistry } from '../engine/registry/teams.js'
import type { Commands } from '../engine/routing/commands.js'
import { type Queue, type QueueRow, turnKey } from '../engine/routing/queue.js'
import type { AnswerOf, ParsedRequestOf } from './operations.js'
import { pageOf, type SortKey } from './page.js'
import { presentOnly } from './present-only.js'
import type { QueueEntryView, QueueRowView } from './queue-schemas.js'

/** What the operations on the queue act on. */
export type QueueControlPorts = {
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
  readonly queue: Queue
  readonly commands: Commands
  readonly teams: TeamRegistry
  readonly simulator: SimulationPort
  readonly clock: { monotonicMs(): number }
}

type ListRequest = ParsedRequestOf<'queue.list'>
type ListAnswer = AnswerOf<'queue.list'>

/** Answers that views share; more different views than this are not drawn at the same time. */
const SHARED_ANSWERS = 32

const OPERATOR = { role: 'operator' } as const

/** The operations on the queue. */
export function createQueueHandlers(ports: QueueControlPorts) {
  const { queue, commands, simulator, clock } = ports
  const shared = new Map<string, { readonly atMs: number; readonly answer: Promise<ListAnswer> }>()

  const list = async (request: ListRequest): Promise<ListAnswer> => {
    const { sort = 'turn', limit, cursor } = request
    const heads = queue.heads(filterOf(ports, request))
    const { items, ...rest } = pageOf(heads, sort, head => keyOf(ports, head, sort), { limit, cursor })
    const rows = await queue.rows(items)
    return { totals: presentOnly(queue.totals()), conversations: rows.map(row => viewRow(ports, row)), ...rest }
  }

  return {
    'queue.list': ({ maxAgeMs, ...request }: ListRequest): Promise<ListAnswer> => {
      if (maxAgeMs === 0) return list({ ...request, maxAgeMs })
      const key = JSON.stringify(request)
      const now = clock.monotonicMs()
      const present = shared.get(key)
      if (present !== undefined && now - present.atMs < maxAgeMs) return present.answer
      if (shared.size >= SHARED_ANSWERS) shared.clear()
      const answer = list({ ...request, maxAgeMs })
      shared.set(key, { atMs: now, answer })
      answer.catch(() => shared.delete(key))
      return answer
    },
    'queue.show': async ({ conversation }: ParsedRequestOf<'queue.show'>) => {
      const { ahead, ...row } = await queue.show(conversation)
      return { conversation: viewEntry(ports, row, ahead) }
    },
    'queue.explain': async ({ conversation }: ParsedRequestOf<'queue.explain'>) => {
      const { head, decisions, now } = await queue.explain(conversation)
      return presentOnly({
        conversation,
        state: head.state,
        agent: agentName(ports, head.agent),
        team: teamName(ports, head),
        decisions: decisions.map(({ agent, by, ...rest }) =>
          presentOnly({ ...rest, by: authorView(by), agent: agentName(ports, agent) }),
        ),
        now: now && {
          ...now,
          agents: now.agents.map(({ id, obstacle }) => presentOnly({ name: agentName(ports, id) ?? id, obstacle })),
        },
      })
    },
    'queue.command': ({ conversation, command }: ParsedRequestOf<'queue.command'>) =>
      commands.run(conversation, OPERATOR, command),
    'queue.simulate': (request: ParsedRequestOf<'queue.simulate'>, signal: AbortSignal) =>
      simulator.run(presentOnly(request), signal),
  }
}

function filterOf(
  { agents, channels, teams, queue }: QueueControlPorts,
  { states, channel, agent, team, priority }: ListRequest,
): (head: Head) => boolean {
  const number = channel === undefined ? undefined : channels.show(channel).number
  const holder = agent === undefined ? undefined : agents.show(agent).id
  const teamWanted = team === undefined ? undefined : teams.show(team).id
  return head =>
    states.includes(head.state === 'new' ? 'waiting' : (head.state as (typeof states)[number])) &&
    (number === undefined || head.channel === number) &&
    (holder === undefined || head.agent === holder) &&
    (teamWanted === undefined || queue.teamOf(head) === teamWanted) &&
    (priority === undefined || head.details.priority === priority)
}

function keyOf({ channels }: QueueControlPorts, head: Head, sort: string): SortKey {
  const { conversation, waitingSince = Number.MAX_SAFE_INTEGER } = head
  if (sort.endsWith('since')) return [waitingSince, conversation]
  if (sort.endsWith('activity')) return [head.at, conversation]
  if (sort.endsWith('channel')) return [`${channels.byNumber(head.channel)?.name ?? head.channel}`, conversation]
  return [turnKey(head), conversation]
}

function viewRow(ports: QueueControlPorts, { head, lastMessage }: QueueRow): QueueRowView {
  const { agents, channels } = ports
  const { conversation, n, at, contact, name, waitingSince, unansweredSince, details } = head
  return presentOnly({
    conversation,
    state: head.state === 'new' ? 'waiting' : head.state,
    channel: channels.byNumber(head.channel)?.name ?? String(head.channel),
    contact,
    name,
    team: teamName(ports, head),
    priority: details.priority,
    agent: agentName({ agents }, head.agent),
    waitingSince,
    unansweredSince,
    lastMessage: lastMessage && { ...lastMessage, by: authorView(lastMessage.by) },
    n,
    at,
  })
}

function viewEntry(ports: QueueControlPorts, row: QueueRow, ahead: number | undefined): QueueEntryView {
  const { lastAgent, declinedBy, lineSince, person, priority, team, wokenFor, window, ...details } = row.head.details
  return presentOnly({
    ...viewRow(ports, row),
    ...details,
    ahead,
    window: window && { until: window.until, messages: window.messages },
    declinedBy: declinedBy.map(id => agentName(ports, id) ?? id),
    lastAgent: agentName(ports, lastAgent?.id),
  })
}

/** An agent's name; the id of one who is no more. */
function agentName({ agents }: Pick<QueueControlPorts, 'agents'>, id: string | undefined): string | undefined {
  return id === undefined ? undefined : (agents.byId(id)?.name ?? id)
}

/** The name of the team whose conversation it is; the id of one that is no more. */
function teamName({ teams, queue }: QueueControlPorts, head: Head): string | undefined {
  const id = queue.teamOf(head)
  return id === undefined ? undefined : (teams.byId(id)?.name ?? id)
}

function authorView({ role, id, name }: Author) {
  return presentOnly({ role, id, name })
}
