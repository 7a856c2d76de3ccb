import { type BoardAgent, RoutingBoard } from '../../src/daemon/core/board.js'
import type { LogEntry } from '../../src/daemon/core/ports.js'
import type { Waiting } from '../../src/daemon/core/waiting-line.js'
import { Router, type RouterPorts } from '../../src/daemon/engine/routing/router.js'
import type { Violation } from './observer.js'
import type { RouterFactory } from './router-host.js'
import type { Staff } from './staff.js'

class BoundlessRouter extends Router {
  override setAgent(agent: BoardAgent): void {
    super.setAgent({ ...agent, capacity: { total: 1_000, perKind: {} } })
  }
}

class KindlessRouter extends Router {
  override setAgent(agent: BoardAgent): void {
    super.setAgent({ ...agent, capacity: { total: agent.capacity.total, perKind: {} } })
  }
}

/** Puts conversations in other places than their own. */
class DisorderedRouter extends Router {
  override readonly board: RoutingBoard

  constructor(ports: RouterPorts, teams: Staff['teams'], place: (waiting: Waiting) => Waiting) {
    super(ports, teams)
    this.board = new DisorderedBoard(teams, place)
  }
}

class DisorderedBoard extends RoutingBoard {
  readonly #place: (waiting: Waiting) => Waiting

  constructor(teams: Staff['teams'], place: (waiting: Waiting) => Waiting) {
    super(teams)
    this.#place = place
  }

  override enqueue(waiting: Waiting): void {
    super.enqueue(this.#place(waiting))
  }
}

class BlindRouter extends Router {
  #closed = 0

  override observe(entry: LogEntry): void {
    if (entry.head.state !== 'closed' || ++this.#closed % 10 !== 0) super.observe(entry)
  }
}

/** Routers with a defect each, and what the simulation must say of them. */
export const FAULTY_ROUTERS: Readonly<
  Record<string, { readonly create: RouterFactory; readonly expected: readonly Violation['what'][] }>
> = {
  'knows no capacity': {
    create: (ports, teams) => new BoundlessRouter(ports, teams),
    expected: ['over capacity'],
  },
  'knows capacity in all, but not of a kind': {
    create: (ports, teams) => new KindlessRouter(ports, teams),
    expected: ['over capacity'],
  },
  'takes the last of a line': {
    create: (ports, teams) => new DisorderedRouter(ports, teams, waiting => ({ ...waiting, since: -waiting.since })),
    expected: ['skipped'],
  },
  'takes who is urgent last': {
    create: (ports, teams) => new DisorderedRouter(ports, teams, waiting => ({ ...waiting, rank: -waiting.rank })),
    expected: ['skipped'],
  },
  'forgets at a restart who waits': {
    create: (ports, teams) => new Router({ ...ports, view: { ...ports.view, waiting: async () => [] } }, teams),
    expected: ['idle', 'lost', 'skipped'],
  },
  'forgets at a restart what agents have': {
    create: (ports, teams) =>
      new Router({ ...ports, view: { ...ports.view, activeCounts: async () => new Map() } }, teams),
    expected: ['over capacity'],
  },
  'does not see what is closed': {
    create: (ports, teams) => new BlindRouter(ports, teams),
    expected: ['idle'],
  },
  'appends on no condition': {
    create: (ports, teams) => {
      const { log } = ports
      const append: typeof log.append = (conversation, bodies) => log.append(conversation, bodies)
      return new Router({ ...ports, log: { ...log, append } }, teams)
    },
    expected: ['doubly assigned', 'misplaced'],
  },
}
