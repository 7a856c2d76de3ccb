import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { type BoardTeam, type Instant, type Match, RoutingBoard } from '../../../src/daemon/core/board.js'
import { type Need, obstacle } from '../../../src/daemon/core/routing.js'
import { byTurn, lineKey, type Waiting } from '../../../src/daemon/core/waiting-line.js'

const team = (changes: Partial<BoardTeam> = {}): BoardTeam => ({
  strategy: 'least-active',
  stickyMs: 0,
  members: undefined,
  isOpen: () => true,
  ...changes,
})
const id = (number: number): ConversationId => `c_${String(number).padStart(26, '0')}`
const waiting = (number: number, changes: Partial<Waiting> = {}, asks: Partial<Need> = {}): Waiting => ({
  conversation: id(number),
  rank: 1,
  since: number,
  need: {
    kind: 'web',
    team: undefined,
    bot: undefined,
    requires: {},
    prefers: [],
    language: undefined,
    declinedBy: [],
    lastAgent: undefined,
    wokenFor: undefined,
    ...asks,
  },
  ...changes,
})
const at = (ms: number): Instant => ({ nowMs: ms, monotonicMs: ms })

function addAgent(board: RoutingBoard, name: string, total = 1, skills: Record<string, number> = {}): void {
  board.setAgent({
    id: name,
    name,
    skills: new Map(Object.entries(skills)),
    languages: [],
    isBot: false,
    capacity: { total, perKind: {} },
  })
}

function matches(board: RoutingBoard, ms = 0): string[] {
  const found: string[] = []
  for (let match = board.next(at(ms)); match !== undefined; match = board.next(at(ms)))
    found.push(`${match.waiting.since} ${match.agent.id}`)
  return found
}

describe('a board', () => {
  test('gives a freed agent the one whose turn it is: the most urgent, then the longest waiting', () => {
    const board = new RoutingBoard(new Map([[undefined, team()]]))
    addAgent(board, 'li')
    for (const entry of [waiting(3), waiting(1), waiting(4, { rank: 2 }), waiting(2)]) board.enqueue(entry)
    assert.deepEqual(matches(board), [])
    assert.deepEqual(
      board.inOrder().map(({ since }) => since),
      [4, 1, 2, 3],
    )
    assert.deepEqual([board.ahead(id(2)), board.ahead(id(4)), board.ahead(id(9))], [2, 0, undefined])
    board.setPresence('li', 'online', at(1))
    assert.deepEqual(matches(board), ['4 li'])
    for (const [done, next] of [
      [4, '1 li'],
      [1, '2 li'],
      [2, '3 li'],
    ] as const) {
      board.release(id(done), at(2))
      assert.deepEqual(matches(board), [next])
    }
    assert.equal(board.waitingCount, 0)
  })

  test('does not hold up those behind one whom nobody present can serve', () => {
    const board = new RoutingBoard(new Map([[undefined, team()]]))
    addAgent(board, 'li', 5)
    board.setPresence('li', 'online', at(0))
    board.enqueue(waiting(1, {}, { requires: { refund: 2 } }))
    board.enqueue(waiting(2))
    assert.deepEqual(matches(board), ['2 li'])
    addAgent(board, 'li', 5, { refund: 2 })
    assert.deepEqual(matches(board), ['1 li'])
  })

  test('keeps teams apart, and looks again when their hours begin', () => {
    let isOpen = false
    const board = new RoutingBoard(
      new Map([
        [undefined, team()],
        ['t', team({ members: ['li'], isOpen: () => isOpen })],
      ]),
    )
    for (const name of ['li', 'wang']) {
      addAgent(board, name, 2)
      board.setPresence(name, 'online', at(0))
    }
    board.enqueue(waiting(1, {}, { team: 't' }))
    board.enqueue(waiting(2, {}, { team: 't' }))
    board.enqueue(waiting(3))
    assert.deepEqual(matches(board), ['3 li'])
    assert.equal(board.ahead(id(2)), 1)
    isOpen = true
    board.stir()
    assert.deepEqual(matches(board), ['1 li'])
    assert.deepEqual(board.decide(board.waiting(id(2))!, 0), { assign: undefined, reasons: ['full=1'] })
  })

  test('a team that is gone leaves its conversations to everybody', () => {
    const board = new RoutingBoard(
      new Map([
        [undefined, team()],
        ['t', team({ members: [] })],
      ]),
    )
    addAgent(board, 'li')
    board.setPresence('li', 'online', at(0))
    board.enqueue(waiting(1, {}, { team: 't' }))
    assert.deepEqual(matches(board), [])
    board.setTeams(new Map([[undefined, team()]]))
    assert.deepEqual(matches(board), ['1 li'])
  })

  test('counts what agents have when it learns of them only afterwards', () => {
    const board = new RoutingBoard(new Map([[undefined, team()]]))
    board.take(id(1), 'li', 'web', at(0))
    addAgent(board, 'li', 1)
    board.setPresence('li', 'online', at(0))
    board.enqueue(waiting(2))
    assert.deepEqual(matches(board), [])
    board.release(id(1), at(1))
    assert.deepEqual(matches(board), ['2 li'])
  })
})

const AGENTS = ['a', 'b', 'c', 'd']
const SKILLS: Readonly<Record<string, Record<string, number>>> = { a: {}, b: { refund: 3 }, c: { refund: 5 }, d: {} }
const TEAMS = new Map([
  [undefined, team()],
  ['x', team({ members: ['a', 'b'], strategy: 'round-robin' })],
  ['y', team({ members: ['c', 'd'], strategy: 'longest-idle' })],
])

type Step =
  | { readonly type: 'arrive'; readonly rank: number; readonly team: string | undefined; readonly level: number }
  | { readonly type: 'finish' | 'leave'; readonly pick: number }
  | { readonly type: 'presence'; readonly agent: string; readonly isOnline: boolean }
  | { readonly type: 'decline'; readonly pick: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('arrive' as const),
      rank: fc.nat(3),
      team: fc.constantFrom(undefined, 'x', 'y'),
      level: fc.constantFrom(0, 2, 4),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('finish' as const, 'leave' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('decline' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('presence' as const),
      agent: fc.constantFrom(...AGENTS),
      isOnline: fc.boolean(),
    }),
  },
)

test('whatever happens: nobody over capacity, nobody skipped by one of the same rank and need, and no free agent while somebody could be served', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const board = new RoutingBoard(TEAMS)
      for (const name of AGENTS) addAgent(board, name, 2, SKILLS[name])
      const lines = new Map<ConversationId, Waiting>()
      const held = new Map<ConversationId, Match>()
      let now = 0
      const check = (match: Match): void => {
        assert.ok(lines.delete(match.waiting.conversation), 'it waited')
        held.set(match.waiting.conversation, match)
        const agent = board.agent(match.agent.id)!
        assert.ok(agent.load <= 2)
        assert.equal(agent.load, [...held.values()].filter(({ agent: { id } }) => id === agent.id).length)
        for (const other of lines.values())
          if (lineKey(other.need) === lineKey(match.waiting.need))
            assert.ok(byTurn(match.waiting, other) < 0, `${match.waiting.since} was given before ${other.since}`)
      }
      for (const entry of steps) {
        now++
        const chosen = (all: readonly ConversationId[], pick: number) => all[pick % Math.max(1, all.length)]
        if (entry.type === 'arrive') {
          const requires: Record<string, number> = entry.level === 0 ? {} : { refund: entry.level }
          const arrival = waiting(now, { rank: entry.rank }, { team: entry.team, requires })
          lines.set(arrival.conversation, arrival)
          board.enqueue(arrival)
        } else if (entry.type === 'leave') {
          const conversation = chosen([...lines.keys()], entry.pick)
          if (conversation !== undefined) board.dequeue(conversation)
          if (conversation !== undefined) lines.delete(conversation)
        } else if (entry.type === 'presence') {
          board.setPresence(entry.agent, entry.isOnline ? 'online' : 'offline', at(now))
        } else {
          const conversation = chosen([...held.keys()], entry.pick)
          if (conversation === undefined) continue
          const { waiting: before, agent } = held.get(conversation)!
          held.delete(conversation)
          board.release(conversation, at(now))
          if (entry.type === 'decline') {
            const again = {
              ...before,
              need: { ...before.need, declinedBy: [...before.need.declinedBy, agent.id].sort() },
            }
            lines.set(conversation, again)
            board.enqueue(again)
          }
        }
        for (let match = board.next(at(now)); match !== undefined; match = board.next(at(now))) check(match)
        for (const left of lines.values())
          for (const agent of board.agents()) {
            const members = TEAMS.get(left.need.team)!.members
            if (members === undefined || members.includes(agent.id))
              assert.notEqual(obstacle(agent, left.need), undefined, `${agent.id} is free for ${left.since}`)
          }
        assert.equal(board.waitingCount, lines.size)
        assert.deepEqual(board.inOrder(), [...lines.values()].sort(byTurn))
      }
    }),
  )
})

test('an agent who was a bot is given conversations as a person, also those of a channel that still names it', () => {
  const board = new RoutingBoard(new Map([[undefined, team()]]))
  addAgent(board, 'helper')
  board.setPresence('helper', 'online', at(0))
  board.enqueue(waiting(1, {}, { bot: 'helper' }))
  assert.deepEqual(board.next(at(0))?.agent, { id: 'helper', name: 'helper', isBot: false })
})
