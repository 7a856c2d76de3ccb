import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fromErrorBody } from '../../src/client/failure.js'
import { upload } from '../../src/client/media.js'
import { isKefuError } from '../../src/errors.js'
import { CONVERSATION } from './fake-server.js'

describe('upload', () => {
  let server: Server
  let url: string
  let answer: { status: number; body: string | undefined; location?: string }
  let seen: { request: IncomingMessage; response: ServerResponse; body: string }[]

  beforeEach(async () => {
    seen = []
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        seen.push({ request, response, body: Buffer.concat(chunks).toString() })
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
        if (answer.body !== undefined) response.end(answer.body)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const send = (conversation?: string) =>
    upload(url, 'kat_1', new TextEncoder().encode('图'), 'image/png', conversation)

  it('sends bytes, type and token, names the conversation, and gives the id', async () => {
    answer = { status: 201, body: JSON.stringify({ media: 'md_1', type: 'image/png', sizeBytes: 3, later: 1 }) }
    assert.deepEqual(await send(CONVERSATION), { media: 'md_1', type: 'image/png', sizeBytes: 3 })
    const [{ request, body }] = seen as [(typeof seen)[0]]
    assert.equal(request.method, 'POST')
    assert.equal(request.url, `/v1/media?conversation=${CONVERSATION}`)
    assert.equal(request.headers.authorization, 'Bearer kat_1')
    assert.equal(request.headers['content-type'], 'image/png')
    assert.equal(body, '图')
    await send()
    assert.equal(seen[1]!.request.url, '/v1/media')
  })

  it('throws what the server refused it with, and KEFU_DISCONNECTED for anything else', async () => {
    answer = { status: 413, body: JSON.stringify({ error: { code: 'KEFU_BODY_TOO_LARGE', message: 'larger than 5' } }) }
    await assert.rejects(
      send(),
      error => isKefuError(error, 'KEFU_BODY_TOO_LARGE') && error.message === 'larger than 5',
    )
    for (const [retryAfterMs, detail] of [
      [1500, { retryAfterMs: 1500 }],
      ['1500', {}],
      [-1, {}],
      [undefined, {}],
    ] as const) {
      answer = {
        status: 429,
        body: JSON.stringify({ error: { code: 'KEFU_RATE_LIMITED', message: 'm', retryAfterMs } }),
      }
      await assert.rejects(send(), error => {
        assert.ok(isKefuError(error, 'KEFU_RATE_LIMITED'))
        assert.deepEqual(error.detail, detail)
        return true
      })
    }
    for (const body of ['<html>', 'null', '{"error":{"code":"toString"}}', '{"media":1}']) {
      answer = { status: 502, body }
      await assert.rejects(send(), error => isKefuError(error, 'KEFU_DISCONNECTED') && /502/.test(error.message))
    }
    server.closeAllConnections()
    server.close()
    await assert.rejects(send(), error => isKefuError(error, 'KEFU_DISCONNECTED'))
  })

  it('is not the only request whose refusal says when to try again', () => {
    const body = { code: 'KEFU_RATE_LIMITED', message: 'm', hint: 'h', retryable: true }
    assert.deepEqual(fromErrorBody({ ...body, retryAfterMs: 20 }).detail, { retryAfterMs: 20 })
    assert.deepEqual(fromErrorBody(body).detail, {})
  })

  it('neither follows a redirection, nor reads an answer to its end that has none', async () => {
    const media = { media: 'md_1', type: 'image/png', sizeBytes: 3 }
    answer = { status: 307, body: '', location: '/elsewhere' }
    await assert.rejects(send(), error => isKefuError(error, 'KEFU_DISCONNECTED'))
    assert.equal(seen.length, 1)
    answer = { status: 201, body: JSON.stringify({ ...media, more: 'x'.repeat(100_000) }) }
    await assert.rejects(send(), error => isKefuError(error, 'KEFU_DISCONNECTED'))
    const endless = setInterval(() => seen[2]?.response.write('x'.repeat(10_000)), 1)
    answer = { status: 201, body: undefined }
    await assert.rejects(send(), error => isKefuError(error, 'KEFU_DISCONNECTED') && /201/.test(error.message))
    clearInterval(endless)
  })
})
