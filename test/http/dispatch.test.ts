import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { createDispatch } from '../../src/daemon/http/dispatch.js'
import type { Route } from '../../src/daemon/http/route.js'
import type { HttpRequest } from '../../src/daemon/transport/port.js'
import { KefuError } from '../../src/errors.js'

const stream = { current: Readable.from([]) }
const routes: readonly Route[] = [
  { method: 'GET', path: '/', isForPages: false, handle: () => ({ status: 200, body: 'root' }) },
  { method: 'GET', path: '/a/:x', isForPages: true, handle: ({ params }) => ({ status: 200, body: `x=${params.x}` }) },
  { method: 'GET', path: '/a/literal', isForPages: false, handle: () => ({ status: 200, body: 'literal' }) },
  { method: 'POST', path: '/a/:x', isForPages: true, handle: () => ({ status: 201, headers: { vary: 'accept' } }) },
  {
    method: 'GET',
    path: '/stream',
    isForPages: false,
    handle: () => ({ status: 200, headers: { 'content-length': '9' }, body: stream.current }),
  },
  {
    method: 'GET',
    path: '/fail/:how',
    isForPages: false,
    handle: async ({ params }) => {
      if (params.how === 'bug') throw new TypeError('secret /home/kefu/path')
      if (params.how === 'text') throw 'secret text'
      if (params.how === 'slow') throw new KefuError('KEFU_RATE_LIMITED', { what: 'things', retryAfterMs: 1500 })
      if (params.how === 'lane')
        throw new KefuError('KEFU_LANE_CLOSED', { reason: 'it is paused', retryAfterMs: 5_000 })
      if (params.how === 'secret') throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'token' })
      if (params.how === 'stop') throw new KefuError('KEFU_DRAINING')
      throw new KefuError('KEFU_STORE_FULL')
    },
  },
]

function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const reported: (readonly [string, string])[] = []
  const answer = createDispatch(
    {
      allowsOrigin: origin => origin === 'https://ok.example',
      report: (error, route) => reported.push([error.code, route]),
    },
    routes,
  )
  const http: HttpRequest = {
    ...{ method, path, query: new URLSearchParams(), remoteAddress: '192.0.2.1' },
    header: name => headers[name],
    body: () => Promise.reject(new Error('not read')),
    bodyBytes: 0,
    signal: new AbortController().signal,
  }
  return answer(http).then(response => ({ ...response, headers: response.headers ?? {}, reported }))
}

describe('dispatch', () => {
  test('finds the route of a path, literal before named', async () => {
    assert.equal((await ask('GET', '/')).body, 'root')
    assert.equal((await ask('GET', '/a/b')).body, 'x=b')
    assert.equal((await ask('GET', '/a/literal')).body, 'literal')
    assert.equal((await ask('GET', '/a/%2e%2e')).body, 'x=%2e%2e', 'nothing is decoded')
  })

  test('answers 404 for any other path', async () => {
    for (const path of [
      '/a',
      '/a/',
      '/a/b/',
      '/a//b',
      '//',
      '/A/b',
      '',
      '*',
      `/${'x/'.repeat(2000)}`,
      '/a/b?'.repeat(2),
    ]) {
      const { status, body } = await ask('GET', path)
      assert.equal(status, 404, path)
      assert.equal(JSON.parse(String(body)).error.code, 'KEFU_NOT_FOUND')
    }
  })

  test('answers 405 with what is allowed', async () => {
    const { status, headers, body } = await ask('DELETE', '/a/b')
    assert.equal(status, 405)
    assert.equal(headers.allow, 'GET, HEAD, POST, OPTIONS')
    assert.equal(JSON.parse(String(body)).error.code, 'KEFU_METHOD_NOT_ALLOWED')
    for (const method of ['PUT', 'TRACE', 'get', '__proto__']) assert.equal((await ask(method, '/')).status, 405)
  })

  test('answers HEAD with the headers of GET and no body', async () => {
    const { status, headers, body } = await ask('HEAD', '/a/汉')
    assert.deepEqual([status, headers['content-length'], body], [200, '5', undefined])
    assert.equal((await ask('HEAD', '/nothing')).body, undefined)
    stream.current = Readable.from(['a body'])
    const streamed = await ask('HEAD', '/stream')
    assert.equal(streamed.headers['content-length'], '9')
    assert.ok(stream.current.destroyed)
  })

  test('makes every answer safe', async () => {
    for (const path of ['/', '/a/b', '/nothing', '/fail/bug']) {
      const { headers } = await ask('GET', path)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cache-control'], 'no-store')
      assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/)
      assert.equal(headers['access-control-allow-origin'], undefined)
    }
  })

  test('tells errors by their code, and nothing about failures inside', async () => {
    const full = await ask('GET', '/fail/full')
    assert.equal(full.status, 507)
    assert.deepEqual(JSON.parse(String(full.body)), {
      error: {
        code: 'KEFU_STORE_FULL',
        message: 'the disk is full: nothing was stored',
        hint: 'try again later',
        retryable: true,
      },
    })
    assert.deepEqual(full.reported, [['KEFU_STORE_FULL', '/fail/:how']])
    for (const path of ['/fail/bug', '/fail/text']) {
      const { status, body, reported } = await ask('GET', path)
      assert.equal(status, 500)
      assert.doesNotMatch(String(body), /secret/)
      assert.deepEqual(reported, [['KEFU_INTERNAL', '/fail/:how']])
    }
    const slow = await ask('GET', '/fail/slow')
    assert.deepEqual([slow.status, slow.headers['retry-after'], slow.reported], [429, '2', []])
    for (const how of ['lane', 'secret', 'stop']) {
      const { status, reported } = await ask('GET', `/fail/${how}`)
      assert.deepEqual([status, reported], [503, []], 'the lane shows it')
    }
    assert.equal(JSON.parse(String(slow.body)).error.retryAfterMs, 1500)
  })

  test('lets pages of allowed origins in, and no others', async () => {
    const allowed = await ask('POST', '/a/b', { origin: 'https://ok.example' })
    assert.equal(allowed.status, 201)
    assert.equal(allowed.headers['access-control-allow-origin'], 'https://ok.example')
    assert.equal(allowed.headers.vary, 'origin, accept')
    for (const origin of ['https://evil.example', 'null', '', 'https://ok.example.evil.example', 'http://ok.example']) {
      const refused = await ask('POST', '/a/b', { origin })
      assert.equal(refused.status, 403, origin)
      assert.equal(refused.headers['access-control-allow-origin'], undefined)
      assert.equal(JSON.parse(String(refused.body)).error.code, 'KEFU_ORIGIN_REFUSED')
    }
    const other = await ask('GET', '/', { origin: 'https://ok.example' })
    assert.deepEqual([other.status, other.headers['access-control-allow-origin']], [200, undefined])
  })

  test('answers preflights', async () => {
    const wanted = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
    const allowed = await ask('OPTIONS', '/a/b', { origin: 'https://ok.example', ...wanted })
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers['access-control-allow-origin'], 'https://ok.example')
    assert.match(allowed.headers['access-control-allow-methods'] ?? '', /POST/)
    assert.match(allowed.headers['access-control-allow-headers'] ?? '', /authorization/)
    const refused = await ask('OPTIONS', '/a/b', { origin: 'https://evil.example', ...wanted })
    assert.equal(refused.status, 403)
    assert.equal(refused.headers['access-control-allow-methods'], undefined)
    const plain = await ask('OPTIONS', '/')
    assert.deepEqual([plain.status, plain.headers.allow], [204, 'GET, HEAD, OPTIONS'])
    const cross = await ask('OPTIONS', '/', { origin: 'https://ok.example', 'access-control-request-method': 'GET' })
    assert.equal(cross.headers['access-control-allow-origin'], undefined)
  })
})
