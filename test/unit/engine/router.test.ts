import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import { type LogEntry, type LogPort, START, type Store } from '../../../src/daemon/core/ports.js'
import type { MessageRecordBody, OpenedBody, RecordBody } from '../../../src/daemon/core/records.js'
import type { Presence } from '../../../src/daemon/core/routing.js'
import { Router } from '../../../src/daemon/engine/routing/router.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { createManualClock } from '../../helpers/manual-clock.js'

/** A router whose appends are written, answered and shown when the test says so. */
class Stage {
  readonly clock = createManualClock()
  readonly store: Store
  readonly router: Router
  readonly errors: unknown[] = []
  readonly #presence = new Map<string, Presence>()
  readonly #abort = new AbortController()
  readonly #unshown: LogEntry[] = []
  /** What the router has handed over and is not written. */
  readonly unwritten: { readonly body: RecordBody; readonly write: () => Promise<void> }[] = []
  readonly unanswered: (() => void)[] = []

  constructor() {
    const { clock } = this
    const store = createMemoryStore({ clock })
    this.store = store
    const append: LogPort['append'] = (conversation, bodies, options) =>
      new Promise((resolve, reject) => {
        const write = (): Promise<void> =>
          store.log.append(conversation, bodies, options).then(
            result => void this.unanswered.push(() => resolve(result)),
            (error: unknown) => void this.unanswered.push(() => reject(error)),
          )
        this.unwritten.push({ body: bodies[0]!, write })
      })
    this.router = new Router(
      {
        log: {
          append,
          head: conversation => store.log.head(conversation),
          cachedHead: conversation => store.log.cachedHead(conversation),
          read: (...read) => store.log.read(...read),
          readAt: seqs => store.log.readAt(seqs),
          tail: (...tail) => store.log.tail(...tail),
          cursor: () => store.log.cursor(),
          committedAtMs: () => store.log.committedAtMs(),
        },
        view: store.view,
        clock,
        presence: agent => this.#presence.get(agent) ?? 'offline',
        assigned: () => {},
        moved: () => {},
        channel: () => undefined,
        report: error => this.errors.push(error),
      },
      new Map([
        [undefined, { strategy: 'least-active', stickyMs: 0, members: undefined, isOpen: () => true }],
        ['sales', { strategy: 'least-active', stickyMs: 0, members: ['sales'], isOpen: () => true }],
      ]),
    )
    void this.#follow()
  }

  /** An agent with room for one conversation comes. */
  come(id: string): void {
    this.#presence.set(id, 'online')
    this.router.setAgent({
      id,
      name: id,
      skills: new Map(),
      languages: [],
      isBot: false,
      capacity: { total: 1, perKind: {} },
    })
  }

  async append(conversation: ConversationId, ...bodies: RecordBody[]): Promise<void> {
    await this.store.log.append(conversation, bodies, { opening: OPENING })
  }

  /** Shows the router what is in the log. */
  async show(): Promise<void> {
    await nextTurn()
    for (const entry of this.#unshown.splice(0)) this.router.observe(entry)
    this.router.decide()
    await nextTurn()
  }

  /** Writes what the router has handed over. */
  async write(): Promise<void> {
    await Promise.all(this.unwritten.splice(0).map(({ write }) => write()))
    await nextTurn()
  }

  /** Tells the router what became of what was written. */
  async answer(): Promise<void> {
    for (const answer of this.unanswered.splice(0)) answer()
    await nextTurn()
  }

  /** Until nothing is on its way. */
  async settle(): Promise<void> {
    do {
      await this.show()
      await this.write()
      await this.answer()
    } while (this.unwritten.length + this.#unshown.length > 0)
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.router.close()
    await this.store.close()
    assert.deepEqual(this.errors, [])
  }

  async #follow(): Promise<void> {
    for await (const entries of this.store.log.tail(START, this.#abort.signal)) this.#unshown.push(...entries)
  }
}

const OPENING: OpenedBody = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'c' }
const message = (id: string): MessageRecordBody => ({
  type: 'message',
  by: { role: 'contact' },
  id,
  parts: [{ type: 'text', text: 'hello' }],
})
const first = formatConversationId(new Uint8Array(16).fill(1))
const second = formatConversationId(new Uint8Array(16).fill(2))

test('an agent who comes while a conversation is being put into line gets it afterwards, by one decision', async () => {
  const stage = new Stage()
  await stage.append(first, message('1'))
  await stage.show()
  stage.come('li')
  assert.deepEqual(
    stage.unwritten.map(({ body }) => body.type),
    ['queued'],
  )
  await stage.append(second, message('1'))
  await stage.settle()
  assert.deepEqual([...(await stage.store.view.activeCounts())], [['li', 1]])
  await stage.stop()
})

test('what was written behind a note counts as the agent’s before the log shows it', async () => {
  const stage = new Stage()
  stage.come('li')
  await stage.append(first, message('1'))
  await stage.show()
  await stage.append(first, { type: 'updated', by: { role: 'operator' }, addTags: ['vip'] })
  await stage.show()
  await stage.write()
  await stage.answer()
  // The first attempt was refused, for the tag; the second one is written and answered, and shown to nobody yet.
  await stage.write()
  await stage.answer()
  assert.equal((await stage.store.log.head(first))?.agent, 'li')
  await stage.append(second, message('1'))
  assert.equal(stage.router.board.agent('li')?.load, 1)
  assert.equal(stage.unwritten.length, 0, 'nothing else is decided on it')
  await stage.settle()
  assert.deepEqual([...(await stage.store.view.activeCounts())], [['li', 1]])
  await stage.stop()
})

test('a conversation that changed teams during a decision is decided anew', async () => {
  const stage = new Stage()
  stage.come('li')
  stage.come('sales')
  await stage.append(first, message('1'))
  await stage.show()
  const { body } = stage.unwritten[0]!
  assert.ok(body.type === 'assigned')
  await stage.append(first, { type: 'updated', by: { role: 'operator' }, team: 'sales' })
  await stage.settle()
  assert.equal((await stage.store.log.head(first))?.agent, 'sales')
  assert.equal(stage.router.board.agent('li')?.load, 0)
  await stage.stop()
})

test('a conversation that was closed during the decision on it is nobody’s', async () => {
  const stage = new Stage()
  stage.come('li')
  await stage.append(first, message('1'))
  await stage.show()
  await stage.append(first, { type: 'closed', by: { role: 'contact' }, reason: 'contact' })
  await stage.settle()
  assert.equal(stage.router.activeCount, 0)
  await stage.append(second, message('1'))
  await stage.settle()
  assert.equal((await stage.store.log.head(second))?.agent, 'li')
  await stage.stop()
})

test('a conversation that was closed right behind the decision on it, before that was answered, is nobody’s', async () => {
  const stage = new Stage()
  stage.come('li')
  await stage.append(first, message('1'))
  await stage.show()
  await stage.write()
  await stage.append(first, { type: 'closed', by: { role: 'contact' }, reason: 'contact' })
  await stage.show()
  await stage.answer()
  await stage.settle()
  assert.equal(stage.router.activeCount, 0)
  await stage.stop()
})

test('a conversation that was closed and opened again during the decision on it waits from then on', async () => {
  const stage = new Stage()
  await stage.append(first, message('1'))
  await stage.show()
  stage.clock.advance(5_000)
  await stage.append(first, { type: 'closed', by: { role: 'contact' }, reason: 'contact' })
  await stage.append(first, message('2'))
  const { waitingSince } = (await stage.store.log.head(first))!
  await stage.settle()
  const head = await stage.store.log.head(first)
  assert.deepEqual([head?.state, head?.waitingSince], ['waiting', waitingSince])
  await stage.stop()
})
