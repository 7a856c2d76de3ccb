import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { answerText, platformHost } from '../helpers/platform-host.js'
import { TEST_CERTIFICATE } from '../helpers/tls-certificate.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { call, client, ignore, post, SECRET, unavailable } from './platform-http-kit.js'

describe('over TLS', () => {
  async function tlsHost(
    t: TestContext,
    serve: (socket: TLSSocket) => void,
  ): Promise<{ port: number; sent(): string }> {
    let sent = ''
    const server = createTlsServer(TEST_CERTIFICATE, socket => {
      socket.on('error', () => {})
      socket.on('data', chunk => {
        sent += String(chunk)
      })
      serve(socket)
    })
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    return { port: (server.address() as AddressInfo).port, sent: () => sent }
  }

  test('a host that cannot prove who it is gets nothing', async t => {
    let connections = 0
    const { port, sent } = await tlsHost(t, socket => {
      connections++
      socket.resume()
    })
    const url = `https://127.0.0.1:${port}/`
    for (let n = 1; n <= 10; n++) {
      await unavailable(call(client(t), post(url)), 'no', /127\.0\.0\.1: its certificate is/)
    }
    assert.ok(connections <= 10)
    assert.equal(sent(), '')
  })

  test('a host that does not speak TLS gets nothing', async t => {
    const host = await platformHost(t, socket => socket.write(answerText('{}')))
    await unavailable(call(client(t), post(`https://127.0.0.1:${host.port}/`)), 'no', /127\.0\.0\.1: .*(TLS|SSL)/)
    const silent = await platformHost(t, ignore)
    const request = { ...post(`https://127.0.0.1:${silent.port}/`), timeoutMs: 100 }
    await unavailable(call(client(t), request), 'no', /no whole answer within 100 ms/)
    assert.ok(!silent.received().includes(SECRET))
  })

  test('a host that proves who it is counts as having got the request', { timeout: 30_000 }, async t => {
    const { port } = await tlsHost(t, socket => {
      let requests = 0
      socket.on('data', () => {
        if (requests++ === 0) socket.write(answerText('{"errcode":0}'))
        else socket.destroy()
      })
    })
    const trusted = join(tmpDir(t), 'trusted.pem')
    writeFileSync(trusted, TEST_CERTIFICATE.cert)
    const module = new URL('../../src/daemon/channels/platform-http.js', import.meta.url)
    const script = `
      const { createPlatformHttp } = await import(${JSON.stringify(module.href)})
      const http = createPlatformHttp()
      const request = { method: 'POST', url: 'https://localhost:${port}/x', body: '{}', timeoutMs: 5000, limitBytes: 1000 }
      const abort = new AbortController().signal
      const { status, bytes } = await http.call(request, abort)
      const error = await http.call(request, abort).catch(error => error)
      console.log(status, Buffer.from(bytes).toString(), error.code, error.detail.written)
      http.close()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += String(chunk)
    })
    await once(child, 'close')
    assert.equal(output.trim(), '200 {"errcode":0} KEFU_PLATFORM_UNAVAILABLE perhaps')
  })
})
