import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RefusedLogins } from '../../../src/daemon/audit/refused-logins.js'
import { AuditInMemory } from '../../helpers/audit-in-memory.js'
import { createManualClock } from '../../helpers/manual-clock.js'

function openLogins() {
  const audit = new AuditInMemory()
  const clock = createManualClock()
  const reported: unknown[] = []
  const logins = new RefusedLogins({ audit, clock, report: error => void reported.push(error) })
  const told = () =>
    audit.entries.map(({ by, fields, target }) =>
      [by.kind === 'address' ? by.address : by.kind, fields?.what, fields?.attempts, target].filter(Boolean).join(' '),
    )
  return { audit, clock, logins, reported, told }
}

test('refused logins are written soon, each address with how often it tried', async () => {
  const { audit, clock, logins, told } = openLogins()
  for (let i = 0; i < 3; i++) logins.add({ what: 'agent-token', address: '198.51.100.1' })
  logins.add({ what: 'identity', address: '198.51.100.1', channel: 'shop' })
  clock.advance(4_999)
  assert.deepEqual(told(), [])
  clock.advance(1)
  assert.deepEqual(told(), ['198.51.100.1 agent-token 3', '198.51.100.1 identity 1 shop'])
  assert.deepEqual(audit.entries[0], {
    n: 1,
    at: 0,
    action: 'login.refuse',
    by: { kind: 'address', address: '198.51.100.1' },
    fields: { what: 'agent-token', attempts: 3 },
    outcome: 'refused',
  })
})

test('who tries all day from everywhere writes little, and nothing is left uncounted', async () => {
  const { audit, clock, logins } = openLogins()
  const DAY_S = 24 * 3_600
  let tried = 0
  for (let second = 0; second < DAY_S; second += 2) {
    logins.add({ what: 'agent-token', address: `10.0.${(second >> 8) & 255}.${second & 255}` })
    tried++
    clock.advance(2_000)
  }
  await logins.close()
  assert.ok(audit.entries.length < 1_500, `${audit.entries.length}`)
  assert.equal(
    audit.entries.reduce((sum, { fields }) => sum + Number(fields?.attempts), 0),
    tried,
  )
  assert.equal(clock.pending, 0)
})

test('after a quiet time it is written soon again; a log that cannot be written is reported', async () => {
  const { audit, clock, logins, reported, told } = openLogins()
  for (let i = 0; i < 8; i++) {
    logins.add({ what: 'upload', address: '198.51.100.1' })
    clock.advance(600_000)
  }
  const before = told().length
  clock.advance(600_001)
  logins.add({ what: 'upload', address: '198.51.100.2' })
  clock.advance(5_000)
  assert.equal(told().length, before + 1)
  audit.isBroken = true
  logins.add({ what: 'upload', address: '198.51.100.2' })
  await logins.close()
  assert.equal(reported.length, 1)
})
