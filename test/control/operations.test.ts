import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKefuError } from '../../src/errors.js'
import { READY_SEARCH } from '../helpers/search-thread.js'
import { openRig } from './harness.js'

test('agents: one that is connected is given no endpoint', async t => {
  const connected = new Map<string, number>()
  const { ports } = await openRig(t)
  const bots = { ...ports.bots, connections: (agent: string) => connected.get(agent) ?? 0 }
  const { client } = await openRig(t, { ...ports, bots })
  const { agent } = await client.call('agent.add', { name: 'helper' })
  connected.set(agent.id, 2)
  const endpoint = { name: 'helper', role: 'bot', endpoint: 'https://bot.example/in' } as const
  await assert.rejects(client.call('agent.set', endpoint), error => {
    assert.ok(isKefuError(error, 'KEFU_BOT_CONNECTED'), String(error))
    assert.match(error.message, /helper has connections \(2\)/)
    return true
  })
  assert.equal((await client.call('agent.show', { name: 'helper' })).agent.endpoint, undefined)
  connected.clear()
  const { agent: called, secret } = await client.call('agent.set', endpoint)
  assert.ok(secret, 'none was made for the attempt that was refused')
  assert.deepEqual([called.endpoint, called.isUp, called.calls], ['https://bot.example/in', false, undefined])
})

test('agents: add, show, token, list, remove', async t => {
  const { client } = await openRig(t)
  const added = await client.call('agent.add', { name: 'xiaowang' })
  assert.equal(added.changed, true)
  assert.match(added.token ?? '', /^kat_/)
  assert.deepEqual(Object.keys(added.agent).sort(), [
    'createdAt',
    'id',
    'languages',
    'name',
    'role',
    'skills',
    'teams',
    'tokens',
  ])
  assert.match(added.agent.tokens[0]?.fingerprint ?? '', /^[0-9a-f]{12}$/)
  const again = await client.call('agent.add', { name: 'xiaowang' })
  assert.deepEqual(again, { agent: added.agent, changed: false })
  assert.deepEqual((await client.call('agent.show', { name: 'xiaowang' })).agent, added.agent)
  const { agent, token } = await client.call('agent.token', { name: 'xiaowang', replace: true })
  assert.notEqual(token, added.token)
  assert.equal(agent.tokens.length, 1)
  assert.deepEqual((await client.call('agent.list', {})).agents, [agent])
  await client.call('agent.remove', { name: 'xiaowang' })
  assert.deepEqual(await client.call('agent.list', {}), { agents: [] })
})

test('metrics: what the daemon tells, and requests that share an answer get the same', async t => {
  let made = 0
  const reading = {
    instance: 'a',
    pid: 1,
    version: '0.1.0',
    home: 'home',
    state: 'running',
    uptimeMs: 1.5,
    accepted: { contacts: 1, agents: 2, apps: 3 },
    delivered: { live: 4, caughtUp: 5 },
    refused: 6,
    errors: 7,
    append: [[8, 9]],
    deliver: [],
    eventLoop: [],
    cpuUs: 10,
    rssBytes: 11,
    sockets: { open: 1, visitors: 0, agents: 1, apps: 0, limit: 12 },
    slow: { count: 1, worst: [{ role: 'agent', name: '小王', forMs: 13, bufferedBytes: 14 }] },
    outbox: [{ channel: 'wecom', totals: { due: 1, sending: 2, unknown: 3, parked: 4, dead: 5, retrying: 6 } }],
    channels: [],
    hooks: [{ hook: 'crm', state: 'down', delivered: 1, failed: 2, dead: 3, lag: 4 }],
    bots: [],
    search: READY_SEARCH,
    queue: { waiting: 15, bot: 24, active: 16, snoozed: 17, agentsOnline: 18, oldestSince: 19 },
    store: { state: 'ready', records: 20, sizeBytes: 21, commits: 22, committedRecords: 23 },
  } as const
  const shared = { ...reading, secret: 'not written in the table' }
  const { client } = await openRig(t, {
    metrics: () => {
      made++
      return made < 3 ? shared : { ...reading, refused: 7 }
    },
  })
  assert.deepEqual(await client.call('metrics.show', {}), reading)
  assert.deepEqual(await client.call('metrics.show', {}), reading)
  assert.equal((await client.call('metrics.show', {})).refused, 7)
})

test('channels: add, set, token, show, list, remove; secrets leave once', async t => {
  const { client } = await openRig(t)
  const web = await client.call('channel.add', { kind: 'web', name: 'shop', origins: ['https://a.example'] })
  assert.match(web.identitySecret ?? '', /^[A-Za-z0-9_-]{43}$/)
  const app = await client.call('channel.add', { kind: 'app', name: 'backend' })
  assert.match(app.token ?? '', /^kpt_/)
  const rotated = await client.call('channel.token', { name: 'backend', replace: true })
  assert.match(rotated.token, /^kpt_/)
  assert.notEqual(rotated.token, app.token)
  assert.deepEqual(rotated.channel, (await client.call('channel.show', { name: 'backend' })).channel)
  const set = await client.call('channel.set', { name: 'shop', origins: ['https://b.example'] })
  assert.deepEqual(set.channel.origins, ['https://b.example'])
  const everything = JSON.stringify([
    set,
    await client.call('channel.show', { name: 'shop' }),
    await client.call('channel.list', {}),
    await client.call('channel.remove', { name: 'shop' }),
  ])
  assert.ok(!everything.includes(web.identitySecret!) && !everything.includes('identitySecret'))
  const { channels } = await client.call('channel.list', {})
  assert.deepEqual(
    channels.map(({ name, number }) => [name, number]),
    [['backend', 2]],
  )
})

test('teams: add, set, show, list, remove, by names', async t => {
  const { client } = await openRig(t)
  for (const name of ['li', 'zhou']) await client.call('agent.add', { name })
  const second = await client.call('team.add', { name: 'second' })
  const added = await client.call('team.add', {
    name: 'first',
    members: ['zhou', 'li'],
    overflow: { team: 'second', afterMs: 1_000 },
    hours: { timeZone: 'UTC', weekly: 'sat,sun 10:00-12:00', holidays: [{ from: '2026-12-25', name: 'Christmas' }] },
  })
  assert.deepEqual(added.team.hours, {
    timeZone: 'UTC',
    weekly: 'Sat,Sun 10:00-12:00',
    holidays: [{ from: '2026-12-25', name: 'Christmas' }],
  })
  assert.deepEqual([added.team.members, added.team.overflow], [['li', 'zhou'], { team: 'second', afterMs: 1_000 }])
  const set = await client.call('team.set', { name: 'first', strategy: 'manual', removeMembers: ['li'] })
  assert.deepEqual([set.changed, set.team], [true, { ...added.team, strategy: 'manual', members: ['zhou'] }])
  assert.deepEqual(await client.call('team.show', { name: 'first' }), { team: set.team })
  assert.deepEqual(await client.call('team.list', {}), { teams: [set.team, second.team] })
  const { agent } = await client.call('agent.set', { name: 'zhou', skills: { vip: 2 } })
  assert.deepEqual([agent.teams, agent.skills], [['first'], { vip: 2 }])
  const { channel } = await client.call('channel.add', { kind: 'app', name: 'backend', team: 'first' })
  assert.equal(channel.team, 'first')
  await assert.rejects(client.call('team.remove', { name: 'first' }), error => isKefuError(error, 'KEFU_TEAM_IN_USE'))
  await client.call('channel.set', { name: 'backend', team: null })
  assert.deepEqual(await client.call('team.remove', { name: 'first' }), { team: set.team })
  assert.deepEqual(await client.call('team.list', {}), { teams: [second.team] })
})

test('lists come in pages, in any order, and go on after what was removed', async t => {
  const { client } = await openRig(t)
  const names = ['d', 'a', 'c', 'b', 'e']
  for (const name of names) await client.call('channel.add', { kind: 'web', name })
  const first = await client.call('channel.list', { limit: 2, sort: '-number' })
  assert.deepEqual(
    first.channels.map(({ name }) => name),
    ['e', 'b'],
  )
  await client.call('channel.remove', { name: 'b' })
  const second = await client.call('channel.list', { limit: 2, sort: '-number', cursor: first.next })
  assert.deepEqual(
    second.channels.map(({ name }) => name),
    ['c', 'a'],
  )
  const third = await client.call('channel.list', { limit: 2, sort: '-number', cursor: second.next })
  assert.deepEqual(
    third.channels.map(({ name }) => name),
    ['d'],
  )
  assert.equal(third.next, undefined)
  const byName = await client.call('channel.list', { limit: 1000 })
  assert.deepEqual(
    byName.channels.map(({ name }) => name),
    ['a', 'c', 'd', 'e'],
  )
  for (const cursor of ['x', first.next!, Buffer.from('[1,2,3]').toString('base64url')])
    await assert.rejects(client.call('channel.list', { sort: 'name', cursor }), error =>
      isKefuError(error, 'KEFU_USAGE'),
    )
})

test('the status and the store are told as they are', async t => {
  const { client, ports } = await openRig(t)
  assert.deepEqual(await client.call('daemon.status', {}), await ports.status())
  const { search, ...info } = await client.call('store.info', {})
  assert.deepEqual(info, await ports.store.info())
  assert.equal(search?.lag, 0)
})

test('stop is passed on, draining unless told otherwise', async t => {
  const { client, stops } = await openRig(t)
  assert.deepEqual(await client.call('daemon.stop', {}), { pid: process.pid, mode: 'drain' })
  await client.call('daemon.stop', { mode: 'now' })
  assert.deepEqual(stops, ['drain', 'now'])
})

test('a store check tells its progress and ends with one result', async t => {
  const finding = { kind: 'crc', n: 7, message: 'record 7 is damaged' }
  const result = { deep: true, records: 10, conversations: 2, findings: [finding] }
  const { client } = await openRig(t, {
    store: {
      info: () => Promise.reject(new Error('not asked')),
      async check({ deep, onProgress }) {
        for (let done = 1; done <= 4; done++) {
          onProgress?.(done, 4)
          await new Promise(resolve => setTimeout(resolve, 110))
        }
        return { ...result, deep }
      },
    },
  })
  const events = []
  for await (const event of client.stream('store.check', { deep: true })) events.push(event)
  assert.deepEqual(events.at(-1), { type: 'result', ...result })
  const progress = events.slice(0, -1)
  assert.ok(progress.length > 0 && progress.length < 4, `${progress.length} progress events`)
  assert.ok(progress.every(event => event.type === 'progress' && event.total === 4))
})

test('a check ends when the client goes away', async t => {
  let seen: AbortSignal | undefined
  const { client } = await openRig(t, {
    store: {
      info: () => Promise.reject(new Error('not asked')),
      check: ({ signal, onProgress }) =>
        new Promise((_, reject) => {
          seen = signal
          onProgress?.(1, 2)
          signal?.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
        }),
    },
  })
  for await (const event of client.stream('store.check', {})) {
    assert.equal(event.type, 'progress')
    break
  }
  const deadline = performance.now() + 5_000
  while (seen?.aborted !== true) {
    assert.ok(performance.now() < deadline, 'the check goes on')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
})

test('a failure in a stream arrives as its error', async t => {
  const { client } = await openRig(t, {
    store: {
      info: () => Promise.reject(new Error('not asked')),
      async check({ onProgress }) {
        onProgress?.(1, 2)
        await new Promise(resolve => setTimeout(resolve, 250))
        throw new TypeError('disk on fire')
      },
    },
  })
  const events: unknown[] = []
  await assert.rejects(
    async () => {
      for await (const event of client.stream('store.check', {})) events.push(event)
    },
    error => isKefuError(error, 'KEFU_INTERNAL') && error.message.includes('disk on fire'),
  )
  assert.equal(events.length, 1)
})
