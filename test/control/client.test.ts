import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  type ControlClientOptions,
  createControlClient,
  ReportedError,
  reportedError,
} from '../../src/daemon/control/client.js'
import { isKefuError } from '../../src/errors.js'
import { openRig, socketPath } from './harness.js'

/** A client of a server that answers in its own way. */
async function against(t: TestContext, listener: RequestListener, change: Partial<ControlClientOptions> = {}) {
  const path = socketPath(t)
  const server = createServer(listener).listen(path)
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise(resolve => server.once('listening', resolve))
  return createControlClient({ socketPath: path, home: '/srv/x', version: '1.2.3', timeoutMs: 2_000, ...change })
}

test('nobody there: unreachable, naming the home', async t => {
  const client = createControlClient({ socketPath: socketPath(t), home: '/srv/x', version: '1.2.3', timeoutMs: 1_000 })
  await assert.rejects(client.call('daemon.status', {}), error => {
    assert.ok(isKefuError(error, 'KEFU_DAEMON_UNREACHABLE'))
    assert.match(error.message, /\/srv\/x/)
    assert.equal(error.exit, 10)
    return true
  })
  await assert.rejects(
    async () => {
      for await (const _ of client.stream('store.check', {})) assert.fail()
    },
    error => isKefuError(error, 'KEFU_DAEMON_UNREACHABLE'),
  )
})

test('an error arrives with the sentence and hint of the daemon', async t => {
  const { client } = await openRig(t)
  await client.call('channel.add', { kind: 'web', name: 'shop' })
  await assert.rejects(client.call('channel.add', { kind: 'app', name: 'shop' }), error => {
    assert.ok(error instanceof ReportedError)
    assert.equal(error.code, 'KEFU_CHANNEL_EXISTS')
    assert.equal(error.message, 'the channel "shop" exists with other settings')
    assert.equal(error.hint, 'kefu channel show shop')
    assert.equal(error.exit, 14)
    return true
  })
})

test('a code that this version does not know is a bug with its sentence', () => {
  const error = new ReportedError({ code: 'KEFU_FROM_LATER', message: 'something new' })
  assert.equal(error.code, 'KEFU_INTERNAL')
  assert.equal(error.exit, 70)
  assert.equal(error.message, 'something new (KEFU_FROM_LATER)')
  for (const value of [undefined, null, 'x', {}, { error: null }, { error: 'x' }, { error: { code: 1, message: 'x' } }])
    assert.equal(reportedError(value), undefined)
})

test('no answer within the time: KEFU_TIMEOUT', async t => {
  const client = await against(t, () => undefined)
  await assert.rejects(client.call('daemon.status', {}, { timeoutMs: 100 }), error => {
    assert.ok(isKefuError(error, 'KEFU_TIMEOUT'))
    assert.match(error.message, /daemon\.status took longer than 100 ms/)
    return true
  })
  const half = await against(t, (_, response) => response.writeHead(200).write('{"a":'))
  await assert.rejects(half.call('daemon.status', {}, { timeoutMs: 100 }), error => isKefuError(error, 'KEFU_TIMEOUT'))
})

test('a caller that gives up: KEFU_ABORTED', async t => {
  const controller = new AbortController()
  const client = await against(t, () => controller.abort(), { signal: controller.signal })
  await assert.rejects(client.call('daemon.status', {}), error => isKefuError(error, 'KEFU_ABORTED'))
})

test('a daemon that dies before or within its answer: KEFU_DISCONNECTED', async t => {
  for (const listener of [
    (_: unknown, response: { destroy(): void }) => response.destroy(),
    (_: unknown, response: { write(text: string): void; destroy(): void }) => {
      response.write('{"type":"progress","done":1,"total":2}\n')
      setTimeout(() => response.destroy(), 20)
    },
  ] as readonly RequestListener[]) {
    const client = await against(t, listener)
    await assert.rejects(client.call('daemon.status', {}), error => isKefuError(error, 'KEFU_DISCONNECTED'))
    await assert.rejects(
      async () => {
        for await (const event of client.stream('store.check', {})) assert.equal(event.type, 'progress')
      },
      error => isKefuError(error, 'KEFU_DISCONNECTED'),
    )
  }
})

test('another protocol version is said, whatever the answer is', async t => {
  const client = await against(t, (_, response) => response.writeHead(500, { 'kefu-protocol': '9' }).end('what?'))
  await assert.rejects(client.call('daemon.status', {}), error => {
    assert.ok(isKefuError(error, 'KEFU_DAEMON_VERSION_MISMATCH'))
    assert.match(error.message, /protocol 1, the daemon speaks 9/)
    return true
  })
})

test('another minor version is noticed once, another patch is not', async t => {
  for (const [version, count] of [
    ['1.2.9', 0],
    ['1.3.0', 1],
  ] as const) {
    const notices: string[] = []
    const client = await against(t, (_, response) => response.setHeader('kefu-version', version).end('{}'), {
      onNotice: sentence => notices.push(sentence),
    })
    await client.call('store.info', {})
    await client.call('store.info', {})
    assert.equal(notices.length, count)
    if (count > 0) assert.equal(notices[0], 'daemon 1.3.0, cli 1.2.3: run kefu daemon restart')
  }
})

test('something else at the socket is told from kefu', async t => {
  const client = await against(t, (_, response) => response.writeHead(404).end('<html>'))
  await assert.rejects(client.call('daemon.status', {}), error => isKefuError(error, 'KEFU_CONTROL_PROTOCOL'))
  const path = socketPath(t)
  const server = createNetServer(socket => {
    socket.on('error', () => undefined)
    socket.end('220 smtp\r\n')
  }).listen(path)
  t.after(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const other = createControlClient({ socketPath: path, home: 'x', version: '1.2.3', timeoutMs: 1_000 })
  await assert.rejects(other.call('daemon.status', {}), error => isKefuError(error, 'KEFU_CONTROL_PROTOCOL'))
})

test('an answer without end is not read without bound', async t => {
  const client = await against(
    t,
    (_, response) => {
      const chunk = 'x'.repeat(1024 * 1024)
      const more = (): void => {
        if (!response.destroyed) response.write(chunk, () => setImmediate(more))
      }
      more()
    },
    { timeoutMs: 20_000 },
  )
  await assert.rejects(client.call('daemon.status', {}), /the answer is too large/)
  await assert.rejects(async () => {
    for await (const _ of client.stream('store.check', {})) assert.fail()
  }, /a line is too long/)
})
