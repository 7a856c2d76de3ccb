import { type ConversationId, formatConversationId } from '../src/codec/conversation-id.js'
import { type BoardTeam, type Instant, RoutingBoard } from '../src/daemon/core/board.js'
import type { Clock } from '../src/daemon/core/ports.js'
import type { OpenedBody } from '../src/daemon/core/records.js'
import {
  candidatesOf,
  type Need,
  type RoutingAgent,
  type RoutingPolicy,
  route,
  STRATEGIES,
  type Strategy,
} from '../src/daemon/core/routing.js'
import { Router } from '../src/daemon/engine/routing/router.js'
import { createMemoryStore } from '../src/daemon/store/memory/store.js'
import { readFlags } from './lib/arguments.js'
import { median, round } from './lib/latency.js'
import { progress, report } from './lib/report.js'

/** The time that a routing decision takes, and that a long line takes until it is empty. Prints one JSON document. */

const flags = readFlags({
  agents: { type: 'number', default: 1_000, min: 1, max: 100_000, doc: 'agents of the team' },
  waiting: { type: 'number', default: 10_000, min: 1, max: 1_000_000, doc: 'conversations in line' },
  decisions: { type: 'number', default: 5_000, min: 100, max: 10_000_000, doc: 'decisions of a round, of each sort' },
  rounds: { type: 'number', default: 5, min: 1, max: 50, doc: 'rounds of each' },
})

const SKILLS = ['billing', 'refund', 'technical', 'wholesale'] as const
const WORK_SHARE = 0.8
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const decisionUs: Record<string, { readonly plain: number; readonly skills: number }> = {}
for (const strategy of Object.keys(STRATEGIES) as Strategy[]) {
  decisionUs[strategy] = { plain: measureDecisions(strategy, false), skills: measureDecisions(strategy, true) }
  progress(`${strategy}: ${decisionUs[strategy].plain} µs, with skills ${decisionUs[strategy].skills} µs`)
}
const nobodyUs = {
  plain: measureDecisions('least-active', false, true),
  skills: measureDecisions('least-active', true, true),
}
progress(`nobody has room: ${nobodyUs.plain} µs, with skills ${nobodyUs.skills} µs`)

const boardMs = { plain: [] as number[], skills: [] as number[] }
const routerMs = { plain: [] as number[], skills: [] as number[] }
for (let i = 0; i < flags.rounds; i++)
  for (const sort of ['plain', 'skills'] as const) {
    boardMs[sort].push(round(drainBoard(sort === 'skills')))
    routerMs[sort].push(round(await drainRouter(sort === 'skills')))
    progress(`round ${i + 1}, ${sort}: board ${boardMs[sort][i]} ms, router ${routerMs[sort][i]} ms`)
  }

report('routing', flags, {
  // Of one call of `route`, median of the rounds.
  decisionUs,
  nobodyUs,
  drainMs: {
    board: { plain: median(boardMs.plain), skills: median(boardMs.skills) },
    router: { plain: median(routerMs.plain), skills: median(routerMs.skills) },
  },
  rounds: { board: boardMs, router: routerMs },
})

/** µs per decision. Each is written down as it would be by the board, so that the next one finds other agents. */
function measureDecisions(strategy: Strategy, hasSkills: boolean, isFull = false): number {
  const agents = Array.from({ length: flags.agents }, (_, i) => createAgent(i, isFull))
  const byId = new Map(agents.map(agent => [agent.id, agent]))
  const needs = Array.from({ length: 64 }, (_, i) => createNeed(i, hasSkills))
  // As the board has them, which keeps them until a setting changes.
  const candidates = needs.map(need => candidatesOf(agents, need))
  const policy: RoutingPolicy = { strategy, stickyMs: 0, isOpen: true }
  const nowMs = clock.now()
  let instant = 0
  const times: number[] = []
  // The first round compiles.
  for (let i = 0; i <= flags.rounds; i++) {
    const startedAt = performance.now()
    for (let decision = 0; decision < flags.decisions; decision++) {
      const at = decision % needs.length
      const { assign } = route(needs[at]!, candidates[at]!, policy, nowMs)
      if (assign === undefined) continue
      const agent = byId.get(assign.id)!
      agent.load = (agent.load + 1) % 4
      agent.lastAssignedAt = ++instant
      agent.idleSince = instant
    }
    if (i > 0) times.push(((performance.now() - startedAt) * 1_000) / flags.decisions)
  }
  return round(median(times))
}

/** ms from the return of the first agent until nobody waits, with the board alone. */
function drainBoard(hasSkills: boolean): number {
  const board = new RoutingBoard(teams())
  const at = (ms: number): Instant => ({ nowMs: ms, monotonicMs: ms })
  const agents = seats()
  for (const agent of agents) board.setAgent(agent)
  for (let i = 0; i < flags.waiting; i++)
    board.enqueue({ conversation: idOf(i), rank: 1, since: i, need: createNeed(i, hasSkills) })
  const startedAt = performance.now()
  for (const [i, { id }] of agents.entries()) {
    board.setPresence(id, 'online', at(i))
    while (board.next(at(i)) !== undefined);
  }
  const elapsedMs = performance.now() - startedAt
  if (board.waitingCount > 0) throw new Error(`${board.waitingCount} still wait`)
  return elapsedMs
}

/** ms from the return of the first agent until the log has every assignment and the router has been shown it: agents come as fast as they can. */
async function drainRouter(hasSkills: boolean): Promise<number> {
  const store = createMemoryStore({ clock })
  const online = new Set<string>()
  const errors: unknown[] = []
  const router = new Router(
    {
      log: store.log,
      view: store.view,
      clock,
      presence: agent => (online.has(agent) ? 'online' : 'offline'),
      assigned: () => {},
      moved: () => {},
      channel: () => undefined,
      report: error => errors.push(error),
    },
    teams(),
  )
  const agents = seats()
  for (const agent of agents) router.setAgent(agent)
  const opening: OpenedBody = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'bench' }
  const by = { role: 'system' } as const
  for (let i = 0; i < flags.waiting; i++) {
    const { requires, prefers, language = '' } = createNeed(i, hasSkills)
    void store.log.append(
      idOf(i),
      [
        { type: 'updated', by, requires, prefers, language },
        { type: 'queued', by, since: i, reasons: ['offline'] },
      ],
      { opening },
    )
  }
  await store.log.append(idOf(0), [{ type: 'note', by, text: 'the last one' }])
  await router.start()
  if (router.waitingCount !== flags.waiting) throw new Error(`${router.waitingCount} wait`)

  const abort = new AbortController()
  const cursor = store.log.cursor()
  let assigned = 0
  let elapsedMs = 0
  const startedAt = performance.now()
  const followed = (async () => {
    for await (const entries of store.log.tail(cursor, abort.signal)) {
      for (const entry of entries) {
        router.observe(entry)
        if (entry.record.body.type !== 'assigned' || ++assigned < flags.waiting) continue
        elapsedMs = performance.now() - startedAt
        abort.abort()
      }
      router.decide()
    }
  })()
  for (const { id } of agents) {
    online.add(id)
    router.presenceChanged(id, 'online')
  }
  await followed
  router.close()
  await store.close()
  if (errors.length > 0) throw errors[0]
  return elapsedMs
}

function teams(): Map<undefined, BoardTeam> {
  return new Map([[undefined, { strategy: 'least-active', stickyMs: 0, members: undefined, isOpen: () => true }]])
}

/** Agents who have room for all who wait, and some more. */
function seats() {
  const total = Math.ceil((flags.waiting / flags.agents) * 4)
  return Array.from({ length: flags.agents }, (_, i) => ({ ...describeAgent(i), capacity: { total, perKind: {} } }))
}

function createAgent(i: number, isFull: boolean): { -readonly [K in keyof RoutingAgent]: RoutingAgent[K] } {
  // One of five is not there, as in a business.
  const presence = (i * 7) % 100 < WORK_SHARE * 100 ? 'online' : 'away'
  const capacity = { total: isFull ? 0 : 5, perKind: { app: 3 } }
  const { id, name, skills, languages } = describeAgent(i)
  // Field by field, as the board makes them.
  return {
    id,
    name,
    skills,
    languages,
    capacity,
    isBot: false,
    presence,
    load: 0,
    loadOf: {},
    lastAssignedAt: 0,
    idleSince: 0,
  }
}

/** Each skill is known to every second agent, at levels from 1 to 5; the same for the same number. */
function describeAgent(i: number) {
  const skills = new Map<string, number>()
  for (const [at, skill] of SKILLS.entries()) if (((i >> at) & 1) === 1) skills.set(skill, 1 + ((i + at) % 5))
  const id = `a_${String(i).padStart(6, '0')}`
  return { id, name: id, skills, isBot: false, languages: i % 2 === 0 ? ['zh', 'en'] : ['zh'] }
}

function createNeed(i: number, hasSkills: boolean): Need {
  const skill = SKILLS[i % SKILLS.length]!
  return {
    kind: 'web',
    team: undefined,
    bot: undefined,
    requires: hasSkills ? { [skill]: 1 + (i % 3) } : {},
    prefers: hasSkills ? [SKILLS[(i + 1) % SKILLS.length]!] : [],
    language: hasSkills ? 'en' : undefined,
    declinedBy: [],
    lastAgent: undefined,
    wokenFor: undefined,
  }
}

function idOf(i: number): ConversationId {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(Math.imul(i + 1, 0x9e3779b1) >>> 0, 0)
  bytes.writeUInt32BE(i, 12)
  return formatConversationId(bytes)
}
