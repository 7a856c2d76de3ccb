import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AUDITED } from '../../src/daemon/control/audit-rows.js'
import { type Caller, callerHeader, callerOf } from '../../src/daemon/control/caller.js'
import { createControlClient } from '../../src/daemon/control/client.js'
import { OPERATIONS, type Operation } from '../../src/daemon/control/operations.js'
import { AuditInMemory, auditorInMemory } from '../helpers/audit-in-memory.js'
import { openRig, rawPost } from './harness.js'

const SECRET = 'canary-0123456789abcdefghij'
const refusedHere = { code: 'KEFU_AUDIT_UNAVAILABLE' }

test('every operation that changes something has a row, and only those begin anything', () => {
  for (const name of Object.keys(OPERATIONS) as Operation[])
    if (OPERATIONS[name].mutates) assert.ok(name in AUDITED, name)
  for (const name of Object.keys(AUDITED)) assert.ok(name in OPERATIONS, name)
})

test('operations are noted with who, what, and what came of it; reading is not', async t => {
  const { path, audit, client } = await openRig(t)
  const caller: Caller = { uid: 1000, user: '小李', sudoUser: 'alice' }
  const named = createControlClient({ socketPath: path, home: 'home', version: '0.1.0', timeoutMs: 5_000, caller })
  await named.call('agent.add', { name: 'li' })
  await client.call('agent.add', { name: 'li' })
  await client.call('agent.list', {})
  await assert.rejects(client.call('agent.remove', { name: 'nobody' }))
  await client.call('channel.lane', { name: 'shop' }).catch(() => undefined)
  assert.deepEqual(audit.told, ['agent.add done', 'agent.add unchanged', 'agent.remove refused'])
  const [begun, done, , , , refused] = audit.entries
  assert.deepEqual([begun?.outcome, begun?.by, begun?.target], ['begun', { kind: 'operator', ...caller }, 'li'])
  assert.match(String(done?.fields?.token), /^[0-9a-f]{12}$/)
  assert.equal(done?.of, begun?.n)
  assert.deepEqual([refused?.by, refused?.code], [{ kind: 'operator' }, 'KEFU_AGENT_NOT_FOUND'])
})

test('what is changed is told by names and values that are no secret, and by nothing that anybody wrote', async t => {
  const { audit, client } = await openRig(t)
  await client.call('channel.add', { kind: 'web', name: 'shop', origins: ['https://shop.example'] })
  await client.call('agent.add', { name: 'li' })
  await client.call('agent.set', { name: 'li', role: 'bot', endpoint: `https://bot.example/in?key=${SECRET}` })
  await client.call('team.add', { name: 'sales', strategy: 'round-robin', members: [] })
  await client.call('channel.set', {
    name: 'shop',
    team: 'sales',
    replies: [{ occasion: 'welcome', language: 'zh', text: SECRET }],
  })
  await client.call('canned.add', { name: 'hi', texts: [{ language: 'zh', text: SECRET }] })
  await client.call('hook.add', { name: 'crm', url: `https://crm.example/in/${SECRET}` })
  await client.call('credential.set', { owner: 'shop', name: 'token', value: SECRET })
  await client.call('credential.rotate', { owner: 'shop', name: 'token', value: `${SECRET}2`, keepMs: 1_000 })
  await client.call('credential.set', { owner: 'shop', name: SECRET, value: 'x' }).catch(() => undefined)
  await client.call('credential.set', { owner: SECRET, name: 'token', value: 'x' }).catch(() => undefined)
  await client.call('credential.rekey', { to: 'passphrase', passphrase: SECRET }).catch(() => undefined)
  await client.call('contact.set', { ref: `shop/${SECRET}`, set: { name: SECRET } }).catch(() => undefined)
  await client.call('contact.merge', { refs: [`shop/${SECRET}`, `shop/${SECRET}2`] }).catch(() => undefined)
  await client.call('outbox.drop', { messages: ['c_00000000000000000000000000:1'] })
  const ended = audit.entries.filter(({ outcome }) => outcome !== 'begun')
  const of = (action: string) => ended.find(entry => entry.action === action)
  assert.deepEqual(of('agent.set')?.fields, { role: 'bot', endpoint: 'https://bot.example' })
  assert.deepEqual(of('channel.set')?.fields, { team: 'sales', replies: ['welcome zh'] })
  assert.deepEqual(of('team.add')?.fields, { strategy: 'round-robin', members: [] })
  assert.deepEqual(of('canned.add')?.fields, { languages: ['zh'] })
  assert.deepEqual(of('hook.add')?.fields, { url: 'https://crm.example', secret: 'made' })
  assert.equal(of('credential.set')?.target, 'channel/shop token')
  assert.equal(of('outbox.drop')?.outcome, 'unchanged')
  assert.equal(of('contact.set')?.target, 'shop/…')
  assert.ok(ended.length >= 14, `${ended.length}`)
  assert.doesNotMatch(JSON.stringify(audit.entries), /canary/)
})

test('an export is noted with how much of the history was taken out, not with the contact whose it is', async t => {
  const { audit, client } = await openRig(t)
  await client.call('channel.add', { kind: 'web', name: 'shop' })
  const take = async (range: { channel: string; contact?: string }) => {
    for await (const _ of client.stream('history.export', range));
    return audit.entries.at(-1)
  }
  await assert.rejects(take({ channel: 'shop', contact: SECRET }))
  const { action, outcome, fields } = audit.entries.at(-1)!
  assert.deepEqual([action, outcome, fields?.contact], ['history.export', 'refused', '…'])
  const taken = await take({ channel: 'shop' })
  assert.deepEqual([taken?.outcome, taken?.fields], ['done', { channel: 'shop', records: 0 }])
  assert.ok(!JSON.stringify(audit.entries).includes(SECRET))
})

test('while the audit log cannot be written nothing is changed, and the daemon can be stopped and read', async t => {
  const { audit, client, ports, stops } = await openRig(t)
  audit.isBroken = true
  await assert.rejects(client.call('agent.add', { name: 'li' }), refusedHere)
  assert.deepEqual(ports.agents.list(), [])
  await client.call('agent.list', {})
  await client.call('daemon.stop', { mode: 'now' })
  assert.deepEqual(stops, ['now'])
})

test('a stream is over with its last event, if there was one; one that its client leaves has failed', async () => {
  const audit = new AuditInMemory()
  const auditor = auditorInMemory(audit)
  async function* events() {
    yield { type: 'progress' }
    yield { type: 'end', records: 2 }
  }
  async function* nothing() {}
  const run = (stream: () => AsyncIterable<object>) =>
    all(auditor.stream('history.export', {}, { kind: 'daemon' }, stream))
  for await (const _ of auditor.stream('history.export', {}, { kind: 'daemon' }, events)) break
  assert.deepEqual([audit.told, audit.entries.at(-1)?.code], [['history.export failed'], 'KEFU_ABORTED'])
  await run(events)
  assert.deepEqual([audit.told[1], audit.entries.at(-1)?.fields], ['history.export done', { records: 2 }])
  assert.deepEqual(await run(nothing), [])
  assert.equal(audit.told[2], 'history.export done')
})

test('who asks may be anybody, and says so within bounds', () => {
  assert.deepEqual(callerOf(callerHeader({ uid: 0, user: 'root' })), { uid: 0, user: 'root' })
  assert.equal(callerOf(callerHeader({ user: '长'.repeat(500) })).user?.length, 64)
  for (const wrong of [
    undefined,
    '',
    '%',
    '[]',
    'null',
    '%7B"uid":-1}',
    '{"user":""}',
    `"${'x'.repeat(3_000)}"`,
    ['{}'],
  ])
    assert.deepEqual(callerOf(wrong), {}, String(wrong))
})

test('the log is listed in pages, and what asks for another one is refused', async t => {
  const { path, client } = await openRig(t)
  await client.call('agent.add', { name: 'li' })
  const { entries } = await client.call('audit.list', { limit: 1 })
  assert.deepEqual(
    entries.map(({ action, outcome }) => [action, outcome]),
    [['agent.add', 'done']],
  )
  for (const body of ['{"cursor":"x"}', '{"cursor":"YTA"}', '{"limit":0}', '{"since":-1}', '{"by":""}', '{"more":1}'])
    assert.equal((await rawPost(path, '/v1/audit.list', body)).status, 400, body)
  const events = await all(client.stream('audit.check', {}))
  assert.deepEqual(events, [{ type: 'result', entries: 2, findings: [], moreFindings: 0 }])
  const checked = await all(client.stream('store.check', { deep: true }))
  assert.equal(checked.at(-1)?.type, 'result')
})

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const event of events) list.push(event)
  return list
}
