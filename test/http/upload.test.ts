import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { compress } from '../../src/codec/zstd.js'
import { isMediaId } from '../../src/daemon/core/media.js'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { nextResponse } from '../helpers/raw-http.js'
import { denseBlock, rleBlock, skippableFrame, WINDOW, zstdFrame } from '../helpers/zstd-frames.js'
import { sample, sampleText, sha256Hex } from '../media/samples.js'
import { AGENT_TOKEN, bearer, LIMITS, OTHER_SHOP, SHOP, startServer, TRANSPORTS } from './harness.js'

for (const transport of TRANSPORTS) {
  describe(`uploads over ${transport}`, () => {
    test('are kept in the visitor’s conversation and can be fetched by a link', async context => {
      const server = await startServer(context, transport)
      const { token, conversation } = server.visitor()
      for (const bytes of [Buffer.of(1), sample('png', 5000), sample('mp4', 1_500_000), sampleText(400_000)]) {
        const answer = await server.ask('/v1/media', { method: 'POST', headers: bearer(token), body: bytes })
        assert.equal(answer.status, 201)
        const { media, type, sizeBytes, sha256 } = answer.json()
        assert.ok(typeof media === 'string' && isMediaId(media))
        assert.deepEqual([sizeBytes, sha256], [bytes.length, sha256Hex(bytes)])
        assert.equal(answer.headers['cache-control'], 'no-store')
        const got = await server.ask(server.tokens.mediaUrl(conversation, media).url)
        assert.deepEqual([got.status, got.headers['content-type']], [200, type])
        assert.ok(got.body.equals(bytes))
      }
      assert.deepEqual(server.reported, [])
      assert.deepEqual(server.transportErrors, [])
    })

    test('may come compressed, within bounds', async context => {
      const server = await startServer(context, transport)
      const { token } = server.visitor()
      const send = (body: Uint8Array, encoding = 'zstd') =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(token), 'content-encoding': encoding, 'content-type': 'text/plain' },
          body,
        })
      const text = sampleText(300_000)
      const answer = await send(await compress(text))
      assert.equal(answer.status, 201)
      assert.deepEqual(
        [answer.json().type, answer.json().sizeBytes, answer.json().sha256],
        ['text/plain', text.length, sha256Hex(text)],
      )

      const zeros = await compress(Buffer.alloc(64 * 1024 * 1024))
      const over = BigInt(LIMITS.fileBytes + 1)
      const bombs = [
        zeros,
        await compress(zeros),
        zstdFrame({ window: WINDOW.mib8 }, new Array(1000).fill(denseBlock())),
        zstdFrame({ window: WINDOW.mib8 }, new Array(1000).fill(rleBlock(128 * 1024))),
        zstdFrame({ window: WINDOW.gib8 }, [rleBlock(10)]),
        zstdFrame({ size: over }, [rleBlock(1)]),
        zstdFrame({ size: 100n, window: WINDOW.mib8 }, new Array(100).fill(denseBlock())),
        Buffer.concat([await compress(text), await compress(text)]),
        Buffer.concat([skippableFrame(Buffer.alloc(10)), await compress(text)]),
        (await compress(text)).subarray(0, 1000),
        Buffer.from('not zstd at all'),
        Buffer.alloc(0),
      ]
      const before = process.memoryUsage().rss
      for (const [index, bomb] of bombs.entries()) {
        const started = performance.now()
        const refused = await send(bomb)
        // A frame inside a frame is a file like any other: what comes out of the first one is kept as it is.
        if (index === 1) assert.equal(refused.status, 201)
        else assert.deepEqual([refused.status, refused.code], [400, 'KEFU_CODEC_INVALID'], `bomb ${index}`)
        assert.ok(performance.now() - started < 5000, `bomb ${index}`)
      }
      assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
      for (const encoding of ['gzip', 'br', 'zstd, zstd', 'deflate'])
        assert.equal((await send(text, encoding)).code, 'KEFU_ENCODING_UNSUPPORTED')
      assert.equal((await send(text, 'identity')).status, 201)
    })

    test('need a token that is accepted, in its header', async context => {
      const server = await startServer(context, transport)
      const { token, conversation } = server.visitor()
      const body = sample('png', 100)
      const headers: Readonly<Record<string, string>>[] = [
        {},
        { authorization: token },
        { authorization: `Basic ${token}` },
        { authorization: 'Bearer ' },
        bearer(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`),
        bearer('A'.repeat(1025)),
        bearer('A'.repeat(3000)),
        bearer(`${token} ${token}`),
        { cookie: `token=${token}` },
        { 'x-token': token },
      ]
      for (const each of headers) {
        const refused = await server.ask('/v1/media', { method: 'POST', headers: each, body })
        assert.deepEqual([refused.status, refused.code], [401, 'KEFU_UNAUTHORISED'], JSON.stringify(each))
        assert.equal(refused.headers['www-authenticate'], 'Bearer')
        assert.ok(!refused.body.includes(token))
      }
      for (const query of [`token=${token}`, `access_token=${token}`, `conversation=${conversation}`])
        assert.equal((await server.ask(`/v1/media?${query}`, { method: 'POST', body })).status, 401)
      assert.deepEqual(readdirSync(server.mediaPath), ['incoming', 'pending'])
      assert.deepEqual(server.reported, [])
    })

    test('go to no foreign or unknown conversation', async context => {
      const server = await startServer(context, transport)
      const visitor = server.visitor()
      const other = server.visitor()
      server.agentConversations.add(other.conversation)
      const body = sample('png', 100)
      const post = (token: string, query: string) =>
        server.ask(`/v1/media${query}`, { method: 'POST', headers: bearer(token), body })
      assert.equal((await post(visitor.token, `?conversation=${visitor.conversation}`)).status, 201)
      assert.equal((await post(AGENT_TOKEN, `?conversation=${other.conversation}`)).status, 201)
      const unknown = server.tokens.conversationId(7, 'nobody')
      const names = [unknown, 'c_', '..', '../../etc', 'x'.repeat(500), '', '%00', `${other.conversation}%2f..`]
      const answers = [
        ...(await Promise.all(
          [other.conversation, ...names].map(name => post(visitor.token, `?conversation=${name}`)),
        )),
        ...(await Promise.all(
          [visitor.conversation, ...names].map(name => post(AGENT_TOKEN, `?conversation=${name}`)),
        )),
        await post(AGENT_TOKEN, ''),
      ]
      const texts = new Set(answers.map(answer => `${answer.status} ${answer.body.toString()}`))
      assert.equal(texts.size, 1, [...texts].join('\n'))
      assert.equal(answers[0]?.code, 'KEFU_CONVERSATION_NOT_FOUND')
    })

    test('come from pages of the token’s channel only', async context => {
      const server = await startServer(context, transport)
      const { token } = server.visitor()
      const from = (origin: string) =>
        server.ask('/v1/media', { method: 'POST', headers: { ...bearer(token), origin }, body: sample('png', 100) })
      const allowed = await from(SHOP)
      assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [201, SHOP])
      for (const origin of [OTHER_SHOP, 'https://evil.example', 'null']) {
        const refused = await from(origin)
        assert.deepEqual([refused.status, refused.code], [403, 'KEFU_ORIGIN_REFUSED'], origin)
      }
      const preflight = await server.ask('/v1/media', {
        method: 'OPTIONS',
        headers: { origin: SHOP, 'access-control-request-method': 'POST' },
      })
      assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [204, SHOP])
    })

    test('are bounded in size, whatever length they declare', async context => {
      const server = await startServer(context, transport)
      const { token } = server.visitor()
      const post = (body: Uint8Array) => server.ask('/v1/media', { method: 'POST', headers: bearer(token), body })
      assert.equal((await post(sample('bin', LIMITS.fileBytes))).status, 201)
      const large = await post(sample('bin', LIMITS.fileBytes + 1))
      assert.deepEqual([large.status, large.code], [413, 'KEFU_BODY_TOO_LARGE'])
      const empty = await post(Buffer.alloc(0))
      assert.deepEqual([empty.status, empty.code], [400, 'KEFU_REQUEST_INVALID'])

      const head = `POST /v1/media HTTP/1.1\r\nhost: test\r\nauthorization: Bearer ${token}\r\n`
      const lying = await rawConnect(server.port)
      lying.write(`${head}content-length: 999999999\r\n\r\nabc`)
      assert.equal((await nextResponse(lying)).status, 413)
      lying.destroy()
      const chunked = await rawConnect(server.port)
      chunked.write(`${head}transfer-encoding: chunked\r\n\r\n`)
      const piece = `10000\r\n${'x'.repeat(65536)}\r\n`
      for (let sent = 0; sent <= LIMITS.fileBytes; sent += 65536) chunked.write(piece)
      chunked.write('0\r\n\r\n')
      assert.equal((await nextResponse(chunked)).status, 413)
      chunked.destroy()
    })

    test('are limited by rate, per uploader and conversation', async context => {
      const server = await startServer(context, transport, { uploads: 2 })
      const visitor = server.visitor()
      const post = (token: string) =>
        server.ask('/v1/media', { method: 'POST', headers: bearer(token), body: sample('png', 100) })
      const statuses = [await post(visitor.token), await post(visitor.token)].map(answer => answer.status)
      assert.deepEqual(statuses, [201, 201])
      const refused = await post(visitor.token)
      assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'KEFU_RATE_LIMITED', '5'])
      assert.equal((await post(server.visitor().token)).status, 201)
      server.clock.advance(5000)
      assert.equal((await post(visitor.token)).status, 201)
    })

    test('are bounded together, and a place is given back when one is over', async context => {
      const server = await startServer(context, transport, { memoryBytes: LIMITS.fileBytes, timeoutMs: 1200 })
      const { token } = server.visitor()
      const post = () => server.ask('/v1/media', { method: 'POST', headers: bearer(token), body: sample('png', 1000) })
      const slow = await rawConnect(server.port)
      slow.write(
        `POST /v1/media HTTP/1.1\r\nhost: test\r\nx-forwarded-for: 203.0.113.9\r\nauthorization: Bearer ${token}\r\ncontent-length: ${LIMITS.fileBytes}\r\n\r\nabc`,
      )
      let refused = await post()
      for (const deadline = performance.now() + 1000; refused.status === 201 && performance.now() < deadline; )
        refused = await post()
      assert.deepEqual([refused.status, refused.code], [503, 'KEFU_MEDIA_UNAVAILABLE'])
      assert.equal(refused.headers['retry-after'], '1')
      assert.equal((await nextResponse(slow)).status, 408)
      slow.destroy()
      assert.equal((await post()).status, 201)
    })

    test('are limited by number over all visitors of one address; agents are not', async context => {
      const server = await startServer(context, transport, { addressUploads: 3 })
      const from = (address: string, token = server.visitor().token, query = '') =>
        server.ask(`/v1/media${query}`, {
          method: 'POST',
          headers: { ...bearer(token), 'x-forwarded-for': address },
          body: sample('png', 100),
        })
      for (let i = 0; i < 3; i++) assert.equal((await from('203.0.113.1')).status, 201)
      const refused = await from('203.0.113.1')
      assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'KEFU_RATE_LIMITED', '5'])
      assert.equal((await from('203.0.113.2')).status, 201)
      assert.equal((await from('203.0.113.2, 203.0.113.1')).status, 429, 'whatever it claims')
      const { conversation } = server.visitor()
      server.agentConversations.add(conversation)
      for (let i = 0; i < 5; i++)
        assert.equal((await from('203.0.113.1', AGENT_TOKEN, `?conversation=${conversation}`)).status, 201)
      server.clock.advance(5_000)
      assert.equal((await from('203.0.113.1')).status, 201)
      for (let i = 0; i < 3; i++) assert.equal((await from(`2001:db8:1:2::${i}`)).status, 201)
      assert.equal((await from('2001:db8:1:2::9')).status, 429, 'one network')
      assert.equal((await from('2001:db8:1:3::9')).status, 201)
    })

    test('that one visitor may not do use up nothing of what its address has for all', async context => {
      const server = await startServer(context, transport, { uploads: 1, addressUploads: 3 })
      const from = (token: string) =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(token), 'x-forwarded-for': '203.0.113.1' },
          body: sample('png', 100),
        })
      const greedy = server.visitor().token
      assert.equal((await from(greedy)).status, 201)
      for (let i = 0; i < 4; i++) assert.equal((await from(greedy)).status, 429)
      assert.equal((await from(server.visitor().token)).status, 201)
      assert.equal((await from(server.visitor().token)).status, 201)
      assert.equal((await from(server.visitor().token)).status, 429)
    })

    test('are limited by bytes over all visitors of one address, as they are kept', async context => {
      const server = await startServer(context, transport, { addressBytes: LIMITS.fileBytes })
      const from = (address: string, body: Uint8Array, headers = {}) =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(server.visitor().token), 'x-forwarded-for': address, ...headers },
          body,
        })
      assert.equal((await from('203.0.113.1', sample('bin', 1_500_000))).status, 201)
      const refused = await from('203.0.113.1', sample('bin', 1_500_000))
      assert.deepEqual([refused.status, refused.code], [429, 'KEFU_RATE_LIMITED'])
      const waitS = Math.ceil((3_000_000 - LIMITS.fileBytes) / 1_000)
      assert.equal(refused.headers['retry-after'], String(waitS))
      assert.equal((await from('203.0.113.2', sample('bin', 1_500_000))).status, 201)
      server.clock.advance(waitS * 1_000)
      assert.equal((await from('203.0.113.1', sample('bin', 1_500_000))).status, 201)

      // Two kilobytes on the wire are a million on the disk.
      const zeros = await compress(Buffer.concat([Buffer.of(0, 255), Buffer.alloc(1_000_000)]))
      const packed = { 'content-encoding': 'zstd' }
      assert.ok(zeros.length < 10_000)
      assert.equal((await from('203.0.113.3', zeros, packed)).status, 201)
      assert.equal((await from('203.0.113.3', sample('bin', 1_200_000))).status, 429)
      assert.equal((await from('203.0.113.3', sample('bin', 1_000_000))).status, 201, 'no more than that was counted')
    })

    test('that break off count as far as they came', async context => {
      const server = await startServer(context, transport, {
        addressBytes: LIMITS.fileBytes + 50_000,
        timeoutMs: 60_000,
      })
      const head = `POST /v1/media HTTP/1.1\r\nhost: test\r\nx-forwarded-for: 203.0.113.1\r\n`
      const breakOff = async (frame: string, bytes: number) => {
        const connection = await rawConnect(server.port)
        connection.write(`${head}authorization: Bearer ${server.visitor().token}\r\n${frame}\r\n\r\n`)
        await eventually('it was let in', () => server.uploading === 1)
        connection.write(sample('bin', bytes))
        connection.socket.end()
        await eventually('it has ended', () => server.uploading === 0)
      }
      const send = (bytes: number) =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(server.visitor().token), 'x-forwarded-for': '203.0.113.1' },
          body: sample('bin', bytes),
        })
      await breakOff(`content-length: ${LIMITS.fileBytes}`, 50_000)
      await breakOff(`content-length: ${LIMITS.fileBytes}\r\ncontent-encoding: zstd`, 50_000)
      assert.equal((await send(LIMITS.fileBytes - 49_000)).status, 429)
      assert.equal((await send(LIMITS.fileBytes - 50_000)).status, 201)
    })

    test('are bounded at the same time, by address and in total, and give their places back', async context => {
      const server = await startServer(context, transport, { atOncePerAddress: 2, atOnce: 3, timeoutMs: 60_000 })
      const ask = (address: string) =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(server.visitor().token), 'x-forwarded-for': address },
          body: sample('png', 100),
        })
      const begin = async (address: string) => {
        const connection = await rawConnect(server.port)
        const head = `POST /v1/media HTTP/1.1\r\nhost: test\r\nx-forwarded-for: ${address}\r\n`
        const before = server.uploading
        connection.write(`${head}authorization: Bearer ${server.visitor().token}\r\ncontent-length: 1000\r\n\r\nabc`)
        await eventually('it was let in', () => server.uploading === before + 1)
        return connection
      }
      const slow = [await begin('203.0.113.1'), await begin('203.0.113.1')]
      const refused = await ask('203.0.113.1')
      assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'KEFU_RATE_LIMITED', '1'])
      assert.equal((await ask('203.0.113.2')).status, 201)
      slow.push(await begin('203.0.113.3'))
      const full = await ask('203.0.113.2')
      assert.deepEqual([full.status, full.code, full.headers['retry-after']], [503, 'KEFU_MEDIA_UNAVAILABLE', '1'])
      for (const connection of slow) connection.destroy()
      await eventually('their places are free', () => server.uploading === 0)
      for (const address of ['203.0.113.1', '203.0.113.2']) assert.equal((await ask(address)).status, 201)
    })

    test('of one address hold at most half of the memory', async context => {
      const server = await startServer(context, transport, { memoryBytes: 2_000_000, timeoutMs: 60_000 })
      const ask = (address: string) =>
        server.ask('/v1/media', {
          method: 'POST',
          headers: { ...bearer(server.visitor().token), 'x-forwarded-for': address },
          body: sample('bin', 500_000),
        })
      const slow = await rawConnect(server.port)
      slow.write(
        `POST /v1/media HTTP/1.1\r\nhost: test\r\nx-forwarded-for: 203.0.113.1\r\nauthorization: Bearer ${server.visitor().token}\r\ncontent-length: 900000\r\n\r\nabc`,
      )
      await eventually('it was let in', () => server.uploading === 1)
      const refused = await ask('203.0.113.1')
      assert.deepEqual([refused.status, refused.code], [429, 'KEFU_RATE_LIMITED'])
      assert.equal((await ask('203.0.113.2')).status, 201)
      slow.destroy()
    })

    test('leave nothing when the peer goes away in the middle', async context => {
      const server = await startServer(context, transport, { memoryBytes: 1_000_000 })
      const { token } = server.visitor()
      const post = () => server.ask('/v1/media', { method: 'POST', headers: bearer(token), body: sample('png', 1000) })
      const gone = await rawConnect(server.port)
      gone.write(
        `POST /v1/media HTTP/1.1\r\nhost: test\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000000\r\n\r\nabc`,
      )
      gone.destroy()
      let answer = await post()
      for (const deadline = performance.now() + 3000; answer.status !== 201 && performance.now() < deadline; )
        answer = await post()
      assert.equal(answer.status, 201, 'its memory is free again')
      assert.deepEqual(readdirSync(join(server.mediaPath, 'incoming')), [])
    })
  })
}
