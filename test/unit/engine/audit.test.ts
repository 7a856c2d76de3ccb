import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fingerprintOf } from '../../../src/daemon/engine/registry/access-tokens.js'
import { Rig } from './rig.js'

test('an agent who makes contacts the same person is noted, with the token it came with, before anything changes', async () => {
  const rig = await Rig.create({ strategy: 'manual' })
  const li = await rig.agent('li')
  await rig.agents.set('li', { role: 'supervisor' })
  const [first, second] = [await rig.visitor(), await rig.visitor()]
  await rig.say(first.peer, 'a')
  await rig.say(second.peer, 'b')
  const link = { conversation: first.conversation, command: { do: 'link', with: second.conversation } } as const

  rig.audit.isBroken = true
  rig.send(li.peer, 'command', link)
  assert.equal((await rig.receive(li.peer, 'error')).body.code, 'KEFU_AUDIT_UNAVAILABLE')
  assert.equal((await rig.store.log.head(first.conversation))?.details.person, undefined)

  rig.audit.isBroken = false
  rig.send(li.peer, 'command', link)
  assert.equal((await rig.receive(li.peer, 'done')).body.changed, true)
  rig.send(li.peer, 'command', link)
  assert.equal((await rig.receive(li.peer, 'done')).body.changed, false)
  rig.send(li.peer, 'command', { conversation: first.conversation, command: { do: 'unlink' } })
  await rig.receive(li.peer, 'done')
  await rig.engine.commands.run(first.conversation, { role: 'operator' }, { do: 'link', with: second.conversation })

  assert.deepEqual(rig.audit.told, ['contact.merge done', 'contact.merge unchanged', 'contact.split done'])
  const [begun, done] = rig.audit.entries
  assert.equal(begun?.outcome, 'begun')
  assert.deepEqual(done?.by, { kind: 'agent', id: li.id, token: fingerprintOf(li.token) })
  assert.equal(rig.agents.show('li').tokens[0]!.sha256.indexOf(fingerprintOf(li.token)), 0)
  assert.deepEqual([done?.target, done?.fields], [first.conversation, { with: [second.conversation] }])
})

test('what an agent may not do to contacts writes nothing', async () => {
  const rig = await Rig.create({ strategy: 'manual' })
  const li = await rig.agent('li')
  const [first, second] = [await rig.visitor(), await rig.visitor()]
  await rig.say(first.peer, 'a')
  await rig.say(second.peer, 'b')
  for (const command of [{ do: 'link', with: second.conversation }, { do: 'unlink' }] as const) {
    rig.send(li.peer, 'command', { conversation: first.conversation, command })
    await rig.receive(li.peer, 'error')
  }
  assert.deepEqual(rig.audit.entries, [])
})

test('refused logins are told by what was wrong and where they came from, and never with a token', async () => {
  const rig = await Rig.create()
  const nobody = `kat_${'a'.repeat(43)}`
  const hellos = [
    { token: nobody },
    { token: `kpt_${'a'.repeat(43)}` },
    { token: 'kvt_forged' },
    { channel: 'site', identity: { id: 'u', expiresAt: rig.clock.now() + 1_000, signature: 'f'.repeat(64) } },
    { token: nobody },
  ]
  for (const hello of hellos) {
    const peer = rig.open()
    rig.send(peer, 'hello', hello)
    await rig.receive(peer, 'error')
  }
  const unknown = rig.open()
  rig.send(unknown, 'hello', { channel: 'no-such' })
  await rig.receive(unknown, 'error')
  const address = '203.0.113.7'
  assert.deepEqual(rig.refusedLogins, [
    { what: 'agent-token', address },
    { what: 'app-token', address },
    { what: 'visitor-token', address },
    { what: 'identity', address, channel: 'site' },
    { what: 'agent-token', address },
  ])
})
