import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { AgentChange } from '../../../src/daemon/engine/registry/agent-settings.js'
import { createAgents } from '../../../src/daemon/engine/registry/agents.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

async function setUp() {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  let count = 0
  const random = (length: number) => createHash('shake256', { outputLength: length }).update(String(count++)).digest()
  const ports = { directory, clock, random }
  const agents = await createAgents(ports)
  await agents.add('li')
  return { agents, load: () => createAgents(ports) }
}

test('settings change one by one, are told, and survive a restart', async () => {
  const { agents, load } = await setUp()
  const { agent: before } = await agents.set('li', {})
  const seen: string[] = []
  agents.onChange(change => seen.push(change.type))
  const all: AgentChange = {
    role: 'supervisor',
    skills: { refund: 3, 发票: 5 },
    languages: ['zh-cn', 'en', 'zh-CN'],
    capacity: { total: 8, perKind: { web: 5 } },
  }
  const { agent, changed } = await agents.set('li', all)
  assert.equal(changed, true)
  assert.deepEqual(agent, {
    ...before,
    role: 'supervisor',
    skills: { refund: 3, 发票: 5 },
    languages: ['en', 'zh-CN'],
    capacity: { total: 8, perKind: { web: 5 } },
  })
  assert.deepEqual(await agents.set('li', all), { agent, changed: false })
  const next = await agents.set('li', {
    skills: { refund: 4, vip: 1 },
    removeSkills: ['发票', 'unknown'],
    capacity: { perKind: { app: 0 }, removeKinds: ['web'] },
  })
  assert.deepEqual(next.agent, { ...agent, skills: { refund: 4, vip: 1 }, capacity: { total: 8, perKind: { app: 0 } } })
  const later = await load()
  assert.deepEqual(later.show('li'), next.agent)
  assert.equal((await later.set('li', { skills: { refund: 4 }, capacity: { total: 8 } })).changed, false)
  const bare = await agents.set('li', {
    role: 'agent',
    removeSkills: ['refund', 'vip'],
    languages: [],
    capacity: null,
  })
  assert.deepEqual(bare.agent, before)
  assert.deepEqual(seen, ['changed', 'changed', 'changed'])
})

test('what is no level, name, tag or number is refused, and nothing changes', async () => {
  const { agents } = await setUp()
  const before = agents.show('li')
  const many = Array.from({ length: 101 }, (_, index) => [`s${index}`, 1] as const)
  for (const [change, message] of [
    [{ skills: { refund: 0 } }, /level of the skill refund is from 1 to 5/],
    [{ skills: { refund: 6 } }, /from 1 to 5/],
    [{ skills: { refund: 1.5 } }, /from 1 to 5/],
    [{ skills: { 'a b': 1 } }, /is not a name/],
    [{ skills: JSON.parse('{"__proto__":1}') as Record<string, number> }, /is not a name/],
    [{ skills: Object.fromEntries(many) }, /at most 100 skills/],
    [{ languages: ['z'] }, /"z" is not a language tag/],
    [{ languages: ['zh_CN'] }, /is not a language tag/],
    [{ languages: ['x'.repeat(1_000)] }, /is not a language tag/],
    [{ languages: Array.from({ length: 33 }, () => 'zh') }, /at most 32 languages/],
    [{ capacity: { perKind: { web: 5 } } }, /needs one in all/],
    [{ capacity: { total: 0 } }, /from 1 to 10000/],
    [{ capacity: { total: 1, perKind: { web: -1 } } }, /from 0 to 10000/],
  ] as const)
    await assert.rejects(agents.set('li', change), error => {
      assert.ok(isKefuError(error, 'KEFU_USAGE'), String(error))
      assert.match(error.message, message)
      return true
    })
  await assert.rejects(agents.set('lii', {}), error => isKefuError(error, 'KEFU_AGENT_NOT_FOUND'))
  assert.equal(agents.show('li'), before)
})
