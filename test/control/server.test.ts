import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createHandlers } from '../../src/daemon/control/handlers.js'
import { openControlServer } from '../../src/daemon/control/server.js'
import { createLog } from '../../src/daemon/observe/log.js'
import { isKefuError } from '../../src/errors.js'
import { auditorInMemory } from '../helpers/audit-in-memory.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { openRig, rawPost, socketPath } from './harness.js'

function errorOf(text: string): { code: string; message: string; exit: number; hint: string } {
  return (JSON.parse(text) as { error: { code: string; message: string; exit: number; hint: string } }).error
}

test('curl gets JSON: no header is needed, an empty body is an empty request', async t => {
  const { path } = await openRig(t)
  const answer = await rawPost(path, '/v1/agent.list', '')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.equal(answer.headers['kefu-protocol'], '1')
  assert.equal(answer.headers['kefu-version'], '0.1.0')
  assert.deepEqual(JSON.parse(answer.text), { agents: [] })
})

test('the socket file is for its owner alone, and goes when the server closes', async t => {
  const { path, server } = await openRig(t)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await server.close()
  assert.equal(existsSync(path), false)
  await server.close()
})

test('another user may not connect', {
  skip: process.getuid?.() === 0 ? false : 'needs root to be another user',
}, async t => {
  const { path } = await openRig(t)
  const code = `require('net').connect(${JSON.stringify(path)}).on('error', e => { console.log(e.code); process.exit(0) }).on('connect', () => process.exit(1))`
  const result = spawnSync(process.execPath, ['-e', code], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
  assert.equal(result.stdout.trim(), 'EACCES', result.stderr)
})

test('a socket that nobody answers on is replaced; one that somebody answers on is not', async t => {
  const first = await openRig(t)
  const ports = {
    handlers: createHandlers(first.ports),
    auditor: auditorInMemory(),
    log: createLog('error', { write() {} }),
    version: '0.1.0',
  }
  await assert.rejects(openControlServer(ports, { path: first.path, home: 'home' }), error =>
    isKefuError(error, 'KEFU_DAEMON_ALREADY_RUNNING'),
  )
  assert.equal((await rawPost(first.path, '/v1/agent.list', '')).status, 200)

  const path = socketPath(t)
  // A process that dies leaves its socket file behind.
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  assert.ok(existsSync(path))
  const server = await openControlServer(ports, { path, home: 'home' })
  t.after(() => server.close())
  assert.equal((await rawPost(path, '/v1/agent.list', '')).status, 200)
})

test('a socket that nobody answers on is replaced also when this process stood still while it looked', async t => {
  const { ports } = await openRig(t)
  const path = socketPath(t)
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  // Timers of the next turn are looked at before what the system has answered.
  await new Promise(resolve => setImmediate(resolve))
  const opening = openControlServer(
    {
      handlers: createHandlers(ports),
      auditor: auditorInMemory(),
      log: createLog('error', { write() {} }),
      version: '0.1.0',
    },
    { path, home: 'home' },
  )
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100)
  await (await opening).close()
})

test('a file that is no socket is not taken away silently', async t => {
  const { ports } = await openRig(t)
  const path = join(tmpDir(t), 'kefu.sock')
  writeFileSync(path, 'something of somebody')
  const server = {
    handlers: createHandlers(ports),
    auditor: auditorInMemory(),
    log: createLog('error', { write() {} }),
    version: '0.1.0',
  }
  await assert.rejects(openControlServer(server, { path, home: 'home' }), error =>
    isKefuError(error, 'KEFU_CONTROL_DIRECTORY'),
  )
  assert.equal(readFileSync(path, 'utf8'), 'something of somebody')
})

test('the path is recorded for clients that cannot know it', async t => {
  const { ports } = await openRig(t)
  const path = socketPath(t)
  const record = join(tmpDir(t), 'control.path')
  const server = await openControlServer(
    {
      handlers: createHandlers(ports),
      auditor: auditorInMemory(),
      log: createLog('error', { write() {} }),
      version: '0.1.0',
    },
    { path, home: 'home', record },
  )
  t.after(() => server.close())
  assert.equal(readFileSync(record, 'utf8'), `${path}\n`)
})

const REFUSED: readonly (readonly [what: string, path: string, body: string, code: string, status: number])[] = [
  ['an unknown operation', '/v1/agent.lst', '{}', 'KEFU_CONTROL_PROTOCOL', 400],
  ['a prototype name', '/v1/constructor', '{}', 'KEFU_CONTROL_PROTOCOL', 400],
  ['another path', '/', '{}', 'KEFU_CONTROL_PROTOCOL', 400],
  ['a path with a query', '/v1/agent.list?limit=1', '{}', 'KEFU_CONTROL_PROTOCOL', 400],
  ['a body that is not JSON', '/v1/agent.list', '{', 'KEFU_CONTROL_PROTOCOL', 400],
  ['a body that is no object', '/v1/agent.list', '[]', 'KEFU_USAGE', 400],
  ['an unknown field', '/v1/agent.show', '{"name":"a","nmae":"b"}', 'KEFU_USAGE', 400],
  ['a missing field', '/v1/agent.show', '{}', 'KEFU_USAGE', 400],
  ['a field of the wrong type', '/v1/agent.show', '{"name":1}', 'KEFU_USAGE', 400],
  ['a limit out of bounds', '/v1/agent.list', '{"limit":1001}', 'KEFU_USAGE', 400],
  ['a name that does not exist', '/v1/agent.show', '{"name":"li"}', 'KEFU_AGENT_NOT_FOUND', 404],
  ['an unknown kind of channel', '/v1/channel.add', '{"kind":"fax","name":"a"}', 'KEFU_USAGE', 400],
]

for (const [what, path, body, code, status] of REFUSED) {
  test(`refused: ${what}`, async t => {
    const rig = await openRig(t)
    const answer = await rawPost(rig.path, path, body)
    assert.equal(answer.status, status)
    const error = errorOf(answer.text)
    assert.equal(error.code, code)
    assert.ok(error.message.length > 0 && error.hint.length > 0 && error.exit > 0)
    assert.equal((await rawPost(rig.path, '/v1/agent.list', '{}')).status, 200)
  })
}

test('an operation is near another: the name is suggested', async t => {
  const { path } = await openRig(t)
  assert.match(errorOf((await rawPost(path, '/v1/agent.lst', '')).text).message, /did you mean "agent\.list"/)
})

test('only POST is taken', async t => {
  const { path } = await openRig(t)
  const answer = await rawPost(path, '/v1/agent.list', '', { method: 'GET' })
  assert.equal(answer.status, 405)
  assert.equal(errorOf(answer.text).code, 'KEFU_METHOD_NOT_ALLOWED')
})

test('another protocol version is refused before anything else', async t => {
  const { path } = await openRig(t)
  const answer = await rawPost(path, '/v1/no.such', '', { headers: { 'kefu-protocol': '2' } })
  assert.equal(answer.status, 426)
  const error = errorOf(answer.text)
  assert.equal(error.code, 'KEFU_DAEMON_VERSION_MISMATCH')
  assert.equal(error.exit, 17)
})

test('a body over 1 MiB is refused, one of 1 MiB is read', async t => {
  const { path } = await openRig(t)
  const large = await rawPost(path, '/v1/agent.show', Buffer.alloc(1024 * 1024 + 1, ' ')).catch(() => undefined)
  // The answer may be cut off by the reset of a connection whose rest is not read.
  if (large !== undefined) assert.equal(errorOf(large.text).code, 'KEFU_BODY_TOO_LARGE')
  const body = JSON.stringify({ name: 'x' }).padEnd(1024 * 1024, ' ')
  assert.equal((await rawPost(path, '/v1/agent.show', body)).status, 404)
})

test('what is not HTTP, and a client that leaves in the middle, disturb nobody', async t => {
  const { path } = await openRig(t)
  for (const bytes of [
    '\0\0\0',
    'GET',
    'POST /v1/agent.list HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{',
    `POST / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  ]) {
    await new Promise<void>(resolve => {
      const socket = connect(path, () => socket.end(bytes))
      socket.on('close', () => resolve())
      socket.on('error', () => undefined)
      socket.resume()
      setTimeout(() => socket.destroy(), 100)
    })
  }
  assert.equal((await rawPost(path, '/v1/agent.list', '')).status, 200)
})

test('a bug is answered as KEFU_INTERNAL, and logged once', async t => {
  const { path, logged } = await openRig(t, {
    status: () => {
      throw new TypeError('no status')
    },
  })
  const answer = await rawPost(path, '/v1/daemon.status', '')
  assert.equal(answer.status, 500)
  assert.equal(errorOf(answer.text).code, 'KEFU_INTERNAL')
  const errors = logged.filter(line => line.includes('"level":"error"'))
  assert.equal(errors.length, 1)
  assert.match(errors[0]!, /"operation":"daemon\.status".+TypeError: no status/)
})

test('what an answer must not carry is not carried', async t => {
  const { ports } = await openRig(t)
  const { agent, ...added } = await ports.agents.add('xiaowang')
  const view = {
    ...agent,
    tokens: [{ fingerprint: 'abc', createdAt: 1, sha256: 'canary' }],
    teams: [],
    secret: 'canary',
  }
  const handlers = { ...createHandlers(ports), 'agent.show': () => ({ agent: view, ...added, token: 'canary' }) }
  const path = socketPath(t)
  const log = createLog('error', { write() {} })
  const server = await openControlServer(
    { handlers, auditor: auditorInMemory(), log, version: '0.1.0' },
    { path, home: 'home' },
  )
  t.after(() => server.close())
  const { text, status } = await rawPost(path, '/v1/agent.show', '{"name":"xiaowang"}')
  assert.equal(status, 200)
  assert.ok(!text.includes('canary'), text)
})

test('changes are logged, reading is not, and no token is', async t => {
  const { client, logged } = await openRig(t)
  const { token = '' } = await client.call('agent.add', { name: 'xiaowang' })
  await client.call('agent.list', {})
  const operations = logged.map(line => (JSON.parse(line) as { operation: string }).operation)
  assert.deepEqual(operations, ['agent.add'])
  assert.ok(!logged.join('').includes(token.slice(4)))
})

test('closing lets a running request end', async t => {
  let finish: (() => void) | undefined
  const started = new Promise<void>(resolve => {
    finish = resolve
  })
  let release: (() => void) | undefined
  const { path, server } = await openRig(t, {
    store: {
      check: () => Promise.reject(new Error('not asked')),
      info: async () => {
        finish?.()
        await new Promise<void>(resolve => {
          release = resolve
        })
        throw new Error('late')
      },
    },
  })
  const answer = rawPost(path, '/v1/store.info', '')
  await started
  const closed = server.close()
  release?.()
  assert.equal((await answer).status, 500)
  await closed
})

test('a server of something else at the path counts as somebody', async t => {
  const { ports } = await openRig(t)
  const path = socketPath(t)
  const other = createServer(socket => socket.end()).listen(path)
  t.after(() => other.close())
  await new Promise(resolve => other.once('listening', resolve))
  const server = {
    handlers: createHandlers(ports),
    auditor: auditorInMemory(),
    log: createLog('error', { write() {} }),
    version: '0.1.0',
  }
  await assert.rejects(openControlServer(server, { path, home: 'home' }), error =>
    isKefuError(error, 'KEFU_DAEMON_ALREADY_RUNNING'),
  )
})
