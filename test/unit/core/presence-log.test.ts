import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  dayStart,
  isPresencePart,
  PRESENCE_LIMITS,
  type PresenceChange,
  PresencePart,
  presenceChanges,
  presenceKey,
} from '../../../src/daemon/core/presence-log.js'

const DAY = Date.UTC(2026, 10, 23)

const change = fc.oneof(
  fc.record({ agent: fc.string({ maxLength: 30 }), state: fc.constantFrom('online', 'away', 'offline') }),
  fc.record({ engine: fc.constantFrom('started', 'stopped') }),
)

describe('a part of the record of presence', () => {
  test('gives back what was added, in order, also when it is gone on with', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(86_400_000), change), { maxLength: 100 }), fc.nat(100), (steps, cut) => {
        const sorted = steps.map(([ms, rest]) => ({ at: DAY + ms, ...rest })).sort((a, b) => a.at - b.at)
        const changes = sorted as PresenceChange[]
        let part = new PresencePart(DAY)
        for (const [index, one] of changes.entries()) {
          if (index === cut) part = PresencePart.of(part.value)
          assert.equal(part.add(one), true)
        }
        assert.deepEqual(presenceChanges(part.value), changes)
      }),
    )
  })

  test('takes a change from before the last as of the same time', () => {
    const part = new PresencePart(DAY)
    part.add({ at: DAY + 100, agent: 'a', state: 'online' })
    part.add({ at: DAY + 50, agent: 'a', state: 'offline' })
    assert.deepEqual(
      presenceChanges(part.value).map(({ at }) => at - DAY),
      [100, 100],
    )
  })

  test('is full before it is too large for the directory', () => {
    const part = new PresencePart(DAY)
    let added = 0
    while (part.add({ at: DAY + added, agent: `a_${added}`, state: 'online' })) added++
    assert.ok(added > 500, String(added))
    const { agents, changes } = part.value
    assert.ok(changes.length + agents.join('').length + 3 * agents.length <= PRESENCE_LIMITS.partBytes)
    assert.equal(presenceChanges(part.value).length, added)
  })

  test('that is cut off or names nobody ends there', () => {
    const part = new PresencePart(DAY)
    for (let i = 0; i < 5; i++) part.add({ at: DAY + 1_000 * i, agent: `a_${i}`, state: 'online' })
    const { value } = part
    for (let length = 0; length <= value.changes.length; length++) {
      const found = presenceChanges({ ...value, changes: value.changes.subarray(0, length) })
      assert.deepEqual(found, presenceChanges(value).slice(0, found.length))
    }
    assert.equal(presenceChanges({ ...value, agents: value.agents.slice(0, 2) }).length, 2)
    for (const wrong of [null, 1, {}, { ...value, agents: [1] }, { ...value, from: 'x' }, { ...value, changes: [1] }])
      assert.equal(isPresencePart(wrong), false)
  })

  test('has a key by its day', () => {
    assert.equal(presenceKey(DAY + 86_399_999, 3), 'presence/2026-11-23/03')
    assert.equal(dayStart(DAY + 86_399_999), DAY)
  })
})
