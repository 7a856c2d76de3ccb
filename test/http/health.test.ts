import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rawExchange, rawRequest } from '../helpers/raw-http.js'
import { startServer, TRANSPORTS } from './harness.js'

for (const transport of TRANSPORTS) {
  describe(`health over ${transport}`, () => {
    test('tells whether it lives and whether it is ready', async context => {
      const server = await startServer(context, transport)
      const live = await server.ask('/health/live')
      assert.deepEqual([live.status, live.json()], [200, { state: 'live' }])
      const ready = await server.ask('/health/ready')
      assert.deepEqual([ready.status, ready.json()], [200, { state: 'ready' }])
      server.readiness = { isReady: false, state: 'draining' }
      const draining = await server.ask('/health/ready')
      assert.deepEqual([draining.status, draining.json()], [503, { state: 'draining' }])
      server.readiness = { isReady: false, state: 'running', code: 'KEFU_STORE_FULL' }
      const full = await server.ask('/health/ready')
      assert.deepEqual([full.status, full.json()], [503, { state: 'running', code: 'KEFU_STORE_FULL' }])
      server.readiness = { isReady: false, state: 'draining' }
      assert.equal((await server.ask('/health/live')).status, 200)
      const head = await server.ask('/health/ready', { method: 'HEAD' })
      assert.deepEqual([head.status, head.body.length, head.headers['content-length']], [503, 0, '21'])
    })

    test('says that it runs, and not what', async context => {
      const server = await startServer(context, transport)
      const { status, headers, body } = await server.ask('/')
      assert.deepEqual(
        [status, headers['content-type'], body.toString()],
        [200, 'text/plain; charset=utf-8', 'kefu is running\n'],
      )
      assert.doesNotMatch(JSON.stringify(headers), /\d+\.\d+\.\d+|node|express/i)
    })

    test('answers what is not there, or not so, with a code', async context => {
      const server = await startServer(context, transport)
      for (const path of ['/nothing', '/health', '/v1/media/', '/v1//media', '/.git/config', '/v1/media/a/b/c']) {
        const answer = await server.ask(path)
        assert.deepEqual([answer.status, answer.code], [404, 'KEFU_NOT_FOUND'], path)
      }
      const wrong = await server.ask('/health/live', { method: 'POST', body: 'x' })
      assert.deepEqual(
        [wrong.status, wrong.code, wrong.headers.allow],
        [405, 'KEFU_METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
      )
      const get = await server.ask('/v1/media')
      assert.deepEqual([get.status, get.headers.allow], [405, 'POST, OPTIONS'])
      const encoded = await rawExchange(server.port, rawRequest('GET', '/health%2flive'))
      assert.equal(encoded.status, 404)
    })
  })
}
