import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createAgents } from '../../../src/daemon/engine/registry/agents.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

/** Random bytes that are the same in every run, and never twice the same within one. */
function createBytes() {
  let count = 0
  return (length: number) => createHash('shake256', { outputLength: length }).update(String(count++)).digest()
}

async function setUp() {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  const ports = { directory, clock, random: createBytes() }
  return { clock, directory, ports, agents: await createAgents(ports) }
}

test('a new agent gets a token once; the same again is unchanged and gets none', async () => {
  const { agents, clock } = await setUp()
  const added = await agents.add('xiaowang')
  assert.equal(added.changed, true)
  assert.match(added.changed ? added.token : '', /^kat_[A-Za-z0-9_-]{43}$/)
  assert.match(added.agent.id, /^a_[0-9A-Z]{26}$/)
  assert.equal(added.agent.createdAt, clock.now())
  const again = await agents.add('xiaowang')
  assert.deepEqual(again, { agent: added.agent, changed: false })
})

test('tokens are stored as digests only, and find their agent', async () => {
  const { agents, directory } = await setUp()
  const added = await agents.add('xiaowang')
  assert.ok(added.changed)
  const stored = JSON.stringify(await directory.list(''))
  assert.ok(!stored.includes(added.token.slice(4)))
  assert.ok(stored.includes(createHash('sha256').update(added.token).digest('hex')))
  assert.equal(agents.byToken(added.token)?.id, added.agent.id)
  const changed = `${added.token.slice(0, -1)}${added.token.endsWith('A') ? 'B' : 'A'}`
  for (const wrong of [
    '',
    'kat_',
    changed,
    `kpt_${added.token.slice(4)}`,
    ` ${added.token}`,
    `${added.token}A`,
    'x'.repeat(1_000_000),
  ])
    assert.equal(agents.byToken(wrong), undefined)
})

test('more tokens may be made beside or instead of the others, sixteen at most', async () => {
  const { agents } = await setUp()
  const added = await agents.add('xiaowang')
  assert.ok(added.changed)
  const second = await agents.issueToken('xiaowang')
  assert.equal(agents.byToken(added.token)?.name, 'xiaowang')
  assert.equal(agents.byToken(second.token)?.name, 'xiaowang')
  const third = await agents.issueToken('xiaowang', { replace: true })
  assert.equal(agents.byToken(added.token), undefined)
  assert.equal(agents.byToken(second.token), undefined)
  assert.equal(agents.byToken(third.token)?.tokens.length, 1)
  for (let count = 1; count < 16; count++) await agents.issueToken('xiaowang')
  await assert.rejects(agents.issueToken('xiaowang'), error => isKefuError(error, 'KEFU_TOKENS_USED'))
  assert.equal((await agents.issueToken('xiaowang', { replace: true })).agent.tokens.length, 1)
})

test('a removed agent is gone with its tokens; a new one of the name is another', async () => {
  const { agents } = await setUp()
  const added = await agents.add('xiaowang')
  assert.ok(added.changed)
  await agents.remove('xiaowang')
  assert.equal(agents.byToken(added.token), undefined)
  assert.equal(agents.byId(added.agent.id), undefined)
  assert.equal(agents.byName('xiaowang'), undefined)
  assert.deepEqual(agents.list(), [])
  const next = await agents.add('xiaowang')
  assert.notEqual(next.agent.id, added.agent.id)
})

test('everything is there again after a restart', async () => {
  const { agents, ports } = await setUp()
  const added = await agents.add('xiaowang')
  assert.ok(added.changed)
  await agents.add('li')
  const { token } = await agents.issueToken('li')
  const later = await createAgents(ports)
  assert.deepEqual(later.list(), agents.list())
  assert.deepEqual(
    later.list().map(agent => agent.name),
    ['li', 'xiaowang'],
  )
  assert.equal(later.byToken(added.token)?.id, added.agent.id)
  assert.equal(later.byToken(token)?.name, 'li')
  assert.equal(later.byId(added.agent.id)?.name, 'xiaowang')
})

test('names may be Chinese; what is no name is refused', async () => {
  const { agents } = await setUp()
  await agents.add('小王')
  const composed = await agents.add('Zoe\u0308')
  assert.equal(composed.agent.name, 'Zo\u00eb')
  assert.equal((await agents.add('Zo\u00eb')).changed, false)
  for (const name of ['', ' a', 'a b', '-a', '.a', 'a/b', 'a\n', '\u202ea', 'x'.repeat(65), 'a\0'])
    await assert.rejects(agents.add(name), error => isKefuError(error, 'KEFU_USAGE'), JSON.stringify(name))
})

test('a name that does not exist is answered with the nearest', async () => {
  const { agents } = await setUp()
  await agents.add('xiaowang')
  assert.throws(
    () => agents.show('xiaowagn'),
    error => {
      assert.ok(isKefuError(error, 'KEFU_AGENT_NOT_FOUND'))
      assert.match(error.message, /did you mean "xiaowang"/)
      return true
    },
  )
  await assert.rejects(agents.remove('li'), error => isKefuError(error, 'KEFU_AGENT_NOT_FOUND'))
  await assert.rejects(agents.issueToken('li'), error => isKefuError(error, 'KEFU_AGENT_NOT_FOUND'))
})

test('changes are told in order, after they are durable', async () => {
  const { agents } = await setUp()
  const seen: string[] = []
  const end = agents.onChange(change => {
    const name = change.type === 'removed' ? change.before.name : change.value.name
    seen.push(`${change.type} ${name} ${agents.byName(name)?.tokens.length ?? 'gone'}`)
  })
  await Promise.all([agents.add('a'), agents.issueToken('a'), agents.remove('a'), agents.add('a')])
  end()
  await agents.remove('a')
  assert.deepEqual(seen, ['added a 1', 'changed a 2', 'removed a gone', 'added a 1'])
})

test('concurrent additions of one name make one agent', async () => {
  const { agents } = await setUp()
  const results = await Promise.all(Array.from({ length: 20 }, () => agents.add('a')))
  assert.equal(results.filter(result => result.changed).length, 1)
  assert.equal(new Set(results.map(result => result.agent.id)).size, 1)
})

test('the list stays the same array until something changes', async () => {
  const { agents } = await setUp()
  await agents.add('a')
  const before = agents.list()
  assert.equal(agents.list(), before)
  await agents.add('a')
  assert.equal(agents.list(), before)
  await agents.add('b')
  assert.notEqual(agents.list(), before)
})

test('a stored entry that is no agent is named, not guessed', async () => {
  for (const value of [{ name: 'a' }, 'text', null, { id: 'a_1', name: 'other', tokens: [], createdAt: 1 }]) {
    const { directory, ports } = await setUp()
    await directory.create('agent/a', value)
    await assert.rejects(createAgents(ports), error => {
      assert.ok(isKefuError(error, 'KEFU_STORE_CORRUPT'))
      assert.match(error.message, /agent\/a/)
      return true
    })
  }
})
