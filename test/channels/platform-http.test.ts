import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import type { KefuError } from '../../src/errors.js'
import { answering, answerText, platformHost } from '../helpers/platform-host.js'
import { until } from '../helpers/until.js'
import { call, client, failure, get, ignore, post, SECRET, text, unavailable } from './platform-http-kit.js'

describe('an answer', () => {
  test('comes with its status, headers and body, whatever they are', async t => {
    const host = await platformHost(t, answering(answerText('<html>maintenance</html>', '502 Bad', ['X-Why: upgrade'])))
    const response = await call(client(t), get(host.url))
    assert.equal(response.status, 502)
    assert.equal(response.header('x-why'), 'upgrade')
    assert.equal(response.header('X-WHY'), 'upgrade')
    assert.equal(response.header('x-none'), undefined)
    assert.equal(text(response), '<html>maintenance</html>')
  })

  test('is asked for with a length, without compression, and with the given headers', async t => {
    const host = await platformHost(t, answering(answerText('{}')))
    await call(client(t), post(host.url, '{"a":"嗨"}'))
    assert.match(host.received(), /^POST \/send\?access_token=tok-4f1d0c HTTP\/1\.1\r\n/)
    assert.match(host.received(), /\r\ncontent-length: 11\r\n/i)
    assert.match(host.received(), /\r\naccept-encoding: identity\r\n/i)
    assert.match(host.received(), /\r\nauthorization: Bearer tok-4f1d0c\r\n/i)
    assert.doesNotMatch(host.received(), /transfer-encoding/i)
  })

  test('to a redirect is the redirect: nobody follows it', async t => {
    const host = await platformHost(t, answering(answerText('', '302 Found', ['Location: http://127.0.0.1:1/'])))
    const response = await call(client(t), get(host.url))
    assert.equal(response.status, 302)
    assert.equal(host.accepted, 1)
  })

  test('that ends with the connection is whole', async t => {
    const host = await platformHost(t, socket => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end'))
    })
    assert.equal(text(await call(client(t), get(host.url))), 'until the end')
  })

  test('in chunks, byte by byte, is whole', async t => {
    const host = await platformHost(t, socket => {
      socket.setNoDelay(true)
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
        for (const character of 'abcdef') socket.write(`1\r\n${character}\r\n`)
        socket.write('0\r\n\r\n')
      })
    })
    assert.equal(text(await call(client(t), get(host.url))), 'abcdef')
  })

  test('that comes before the end of the request is taken, and the connection not kept', async t => {
    const sockets: Socket[] = []
    const host = await platformHost(t, socket => {
      sockets.push(socket)
      socket.once('data', () => {
        socket.pause()
        socket.write(answerText('too much', '413 Too Large'))
      })
    })
    const response = await call(client(t), post(host.url, Buffer.alloc(20_000_000)))
    assert.equal(response.status, 413)
    for (const socket of sockets) socket.resume()
    await until('the connection is closed', () => host.open === 0)
  })
})

describe('connections', () => {
  test('are kept, and their number is bounded', async t => {
    const host = await platformHost(t, answering(answerText('{}')))
    const http = client(t)
    const abort = new AbortController()
    const warnings: string[] = []
    const warn = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warn)
    t.after(() => process.off('warning', warn))
    await Promise.all(Array.from({ length: 200 }, () => call(http, get(host.url), abort.signal)))
    assert.ok(host.accepted <= 32, `${host.accepted} connections`)
    const before = host.accepted
    await call(http, get(host.url))
    assert.equal(host.accepted, before)
    assert.deepEqual(warnings, [])
    http.close()
    await until('all connections are closed', () => host.open === 0)
  })

  test('that are kept and reset before an answer may have carried the request', async t => {
    const host = await platformHost(t, socket => {
      let requests = 0
      socket.on('data', () => {
        if (requests++ === 0) socket.write(answerText('{}'))
        else socket.resetAndDestroy()
      })
    })
    const http = client(t)
    await call(http, post(host.url))
    await unavailable(call(http, post(host.url)), 'perhaps', /127\.0\.0\.1: the connection broke/)
    assert.equal(host.accepted, 1)
  })

  test('of a call that waited for a busy one count as written once it has it', async t => {
    const host = await platformHost(t, socket => {
      let requests = 0
      socket.on('data', () => {
        if (requests++ === 0) socket.write(answerText('{}'))
        else socket.resetAndDestroy()
      })
    })
    const http = client(t)
    const calls = Array.from({ length: 64 }, () => call(http, post(host.url)))
    const outcomes = await Promise.allSettled(calls)
    const reasons = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as KefuError] : []))
    assert.ok(reasons.length >= 10)
    for (const reason of reasons) assert.equal(reason.detail.written, 'perhaps')
  })

  test('are all gone after a hundred failed calls', async t => {
    let count = 0
    const host = await platformHost(t, socket => {
      socket.once('data', () => {
        const way = count++ % 5
        if (way === 0) socket.resetAndDestroy()
        else if (way === 1) socket.end('nonsense\r\n\r\n')
        else if (way === 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
        else if (way === 3) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
        else socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
      })
    })
    const http = client(t)
    const calls = Array.from({ length: 100 }, () => failure(call(http, { ...post(host.url), timeoutMs: 200 })))
    await Promise.all(calls)
    await until('all connections are closed', () => host.open === 0)
  })
})

describe('a platform that does not do what it should', () => {
  test('refuses the connection: nothing was written', async t => {
    const host = await platformHost(t, ignore)
    await host.close()
    await unavailable(call(client(t), post(host.url)), 'no', /127\.0\.0\.1: the connection was refused/)
  })

  test('has no address: nothing was written', async t => {
    const unknown = Object.assign(new Error(`no ${SECRET}`), { code: 'ENOTFOUND' })
    const http = createPlatformHttp({ lookup: (_, __, callback) => callback(unknown, '') })
    t.after(() => http.close())
    await unavailable(call(http, post('http://api.example/')), 'no', /api\.example: the name is not known/)
  })

  test('is never found by the resolver: the deadline holds, and nothing was written', async t => {
    const http = createPlatformHttp({ lookup: () => {} })
    t.after(() => http.close())
    const request = { ...post('http://api.example/'), timeoutMs: 60 }
    await unavailable(call(http, request), 'no', /no whole answer within 60 ms/)
  })

  test('says nothing', async t => {
    const host = await platformHost(t, ignore)
    const request = { ...post(host.url), timeoutMs: 100 }
    await unavailable(call(client(t), request), 'perhaps', /no whole answer within 100 ms/)
    await until('the connection is closed', () => host.open === 0)
  })

  test('sends headers for ever', async t => {
    const host = await platformHost(t, socket => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket.write('x-more: 1\r\n'), 5)
      socket.on('close', () => clearInterval(timer))
    })
    const request = { ...post(host.url), timeoutMs: 150 }
    await unavailable(call(client(t), request), 'perhaps', /no whole answer within 150 ms/)
  })

  test('sends headers without bounds', async t => {
    const host = await platformHost(t, answering(`HTTP/1.1 200 OK\r\nx-big: ${'x'.repeat(100_000)}\r\n\r\n`))
    await unavailable(call(client(t), post(host.url)), 'perhaps', /headers of the answer are too large/)
  })

  test('sends interim answers for ever', async t => {
    const host = await platformHost(t, socket => {
      const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 5)
      socket.on('close', () => clearInterval(timer))
    })
    const request = { ...post(host.url), timeoutMs: 150 }
    await unavailable(call(client(t), request), 'perhaps', /no whole answer within 150 ms/)
  })

  test('sends the body too slowly: one deadline for all of it', async t => {
    const host = await platformHost(t, socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n')
        const timer = setInterval(() => socket.write('x'), 5)
        socket.on('close', () => clearInterval(timer))
      })
    })
    const startedAt = performance.now()
    const request = { ...post(host.url), timeoutMs: 200 }
    await unavailable(call(client(t), request), 'perhaps', /no whole answer within 200 ms/)
    assert.ok(performance.now() - startedAt < 2_000)
    await until('the connection is closed', () => host.open === 0)
  })

  test('breaks off in the middle of the body', async t => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const host = await platformHost(t, socket => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', () => socket[end]())
        })
      })
      await unavailable(call(client(t), post(host.url)), 'perhaps', /connection/)
    }
  })

  test('resets the connection before the request, or after it', async t => {
    const host = await platformHost(t, socket => socket.resetAndDestroy())
    const error = await failure(call(client(t), post(host.url)))
    assert.equal(error.code, 'KEFU_PLATFORM_UNAVAILABLE')
    const after = await platformHost(t, socket => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    await unavailable(call(client(t), post(after.url)), 'perhaps', /the connection broke/)
  })

  test('sends something else than HTTP', async t => {
    const host = await platformHost(t, answering('SSH-2.0-OpenSSH_9.6\r\n\r\n'))
    await unavailable(call(client(t), post(host.url)), 'perhaps', /the answer is not HTTP \(HPE_/)
    const upgrading = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
    const other = await platformHost(t, answering(upgrading))
    await unavailable(call(client(t), post(other.url)), 'perhaps', /the answer is not HTTP/)
  })

  test('answers with more than was asked for, said or not', async t => {
    const said = await platformHost(t, answering('HTTP/1.1 200 OK\r\ncontent-length: 10001\r\n\r\nx'))
    assert.equal((await failure(call(client(t), post(said.url)))).code, 'KEFU_BODY_TOO_LARGE')
    const unsaid = await platformHost(t, socket => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(10_001)}`))
    })
    assert.equal((await failure(call(client(t), post(unsaid.url)))).code, 'KEFU_BODY_TOO_LARGE')
    await until('the connections are closed', () => said.open + unsaid.open === 0)
    const exact = await platformHost(t, answering(answerText('x'.repeat(10_000))))
    assert.equal((await call(client(t), post(exact.url))).bytes.length, 10_000)
  })
})

describe('a call that is aborted', () => {
  test('before it begins, or while it waits for a connection, has not written anything', async t => {
    const host = await platformHost(t, ignore)
    const http = client(t)
    assert.equal((await failure(call(http, post(host.url), AbortSignal.abort()))).code, 'KEFU_ABORTED')
    assert.equal(host.accepted, 0)
    const abort = new AbortController()
    const busy = Array.from({ length: 32 }, () => failure(call(http, { ...post(host.url), timeoutMs: 400 })))
    const waiting = failure(call(http, post(host.url), abort.signal))
    await until('the others are connected', () => host.open === 32)
    abort.abort()
    assert.equal((await waiting).code, 'KEFU_ABORTED')
    await Promise.all(busy)
    const never = createPlatformHttp({ lookup: () => {} })
    t.after(() => never.close())
    const later = new AbortController()
    const looking = failure(call(never, post('http://api.example/'), later.signal))
    later.abort()
    assert.equal((await looking).code, 'KEFU_ABORTED')
  })

  test('after that may have been received', async t => {
    const host = await platformHost(t, ignore)
    const abort = new AbortController()
    const failed = unavailable(call(client(t), post(host.url), abort.signal), 'perhaps', /interrupted/)
    await until('the request has arrived', () => host.received().includes(SECRET))
    abort.abort()
    await failed
    await until('the connection is closed', () => host.open === 0)
  })
})

describe('what cannot be called', () => {
  test('is refused without repeating it', async t => {
    const http = client(t)
    const urls = [
      `not a url ${SECRET}`,
      `ftp://files.example/${SECRET}`,
      `file:///etc/${SECRET}`,
      `data:,${SECRET}`,
      '',
    ]
    for (const url of urls) {
      const error = await failure(call(http, { ...get(''), url }))
      assert.equal(error.code, 'KEFU_PLATFORM_REFUSED', url)
    }
    const headers = { 'x-token': `${SECRET}\r\nx-other: 1` }
    const error = await failure(call(http, { ...get('http://127.0.0.1:9/'), headers }))
    assert.equal(error.code, 'KEFU_PLATFORM_REFUSED')
  })
})
