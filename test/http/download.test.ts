import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { decompress, ZSTD_MEDIA_LIMITS } from '../../src/codec/zstd.js'
import { KefuError } from '../../src/errors.js'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { rawExchange, rawRequest } from '../helpers/raw-http.js'
import { sample, sampleText } from '../media/samples.js'
import { type Ask, SHOP, startServer, TRANSPORTS } from './harness.js'

for (const transport of TRANSPORTS) {
  describe(`downloads over ${transport}`, () => {
    test('are refused alike without a good link and without a file', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      const other = server.visitor().conversation
      const { meta, url } = await server.keep(conversation, sample('png', 1000))
      const foreign = await server.keep(other, sample('png', 1000))
      const link = new URL(url, 'http://localhost')
      const expires = link.searchParams.get('expires') ?? ''
      const signature = link.searchParams.get('signature') ?? ''
      const path = `/v1/media/${conversation}/${meta.media}`
      const gone = await server.keep(conversation, sample('png', 1000))
      rmSync(join(server.mediaPath, conversation, gone.meta.media))
      const links = [
        path,
        `${path}?`,
        `${path}?expires=${expires}`,
        `${path}?signature=${signature}`,
        `${path}?expires=${expires}&signature=`,
        `${path}?expires=${Number(expires) + 1}&signature=${signature}`,
        `${path}?expires=99999999999999&signature=${signature}`,
        `${path}?expires=0${expires.slice(1)}&signature=${signature}`,
        `${path}?expires=-1&signature=${signature}`,
        `${path}?expires=NaN&signature=${signature}`,
        `${path}?expires=1e15&signature=${signature}`,
        `${path}?expires=${'9'.repeat(400)}&signature=${signature}`,
        `${path}?expires=${expires}&signature=${signature.slice(1)}`,
        `${path}?expires=${expires}&signature=${signature}%00`,
        `${path}?expires=${expires}&signature=${'x'.repeat(2000)}`,
        `/v1/media/${other}/${meta.media}?expires=${expires}&signature=${signature}`,
        `/v1/media/${conversation}/${foreign.meta.media}?expires=${expires}&signature=${signature}`,
        `/v1/media/${other}/${foreign.meta.media}?expires=${expires}&signature=${signature}`,
        `/v1/media/${conversation}/..?expires=${expires}&signature=${signature}`,
        `/v1/media/../${meta.media}?expires=${expires}&signature=${signature}`,
        `/v1/media/${conversation}/%2e%2e?expires=${expires}&signature=${signature}`,
        `/v1/media/${conversation}/..%2f..%2fserver.secret?expires=${expires}&signature=${signature}`,
        gone.url,
      ]
      const answers = await Promise.all(links.map(each => rawExchange(server.port, rawRequest('GET', each))))
      const texts = new Set(answers.map(answer => `${answer.status} ${answer.body.toString()}`))
      assert.equal(texts.size, 1, [...texts].join('\n'))
      assert.match([...texts][0]!, /^404 .*KEFU_MEDIA_NOT_FOUND/)
      assert.equal((await server.ask(url)).status, 200)
      server.clock.advance(10 * 60_000)
      const expired = await server.ask(url)
      assert.deepEqual([expired.status, expired.code], [404, 'KEFU_MEDIA_NOT_FOUND'])
    })

    test('are bounded at the same time by address, and give their places back', async context => {
      const server = await startServer(context, transport, { downloadsAtOncePerAddress: 2 })
      const { conversation } = server.visitor()
      const { url } = await server.keep(conversation, sample('png', 2_000))
      const small = await server.keep(conversation, sample('png', 1000))
      const from = (address: string, ask: Ask = {}) =>
        server.ask(small.url, { ...ask, headers: { ...ask.headers, 'x-forwarded-for': address } })
      const { etag = '' } = (await from('203.0.113.1')).headers
      for (let round = 0; round < 5; round++) {
        assert.equal((await from('203.0.113.1')).status, 200)
        assert.equal((await from('203.0.113.1', { method: 'HEAD' })).status, 200)
        assert.equal((await from('203.0.113.1', { headers: { 'if-none-match': etag } })).status, 304)
      }
      const open = server.media.open.bind(server.media)
      let reading = 0
      let closed = 0
      server.media.open = async (...args) => {
        const file = await open(...args)
        if (file.meta.media === small.meta.media) return file
        const read = async (): Promise<Readable> => {
          reading++
          return new Readable({ read: () => undefined }).once('close', () => closed++)
        }
        return { ...file, read }
      }
      const begin = async () => {
        const before = reading
        const peer = await rawConnect(server.port)
        peer.write(rawRequest('GET', url, ['x-forwarded-for: 203.0.113.1']))
        await eventually('it is read', () => reading === before + 1)
        return peer
      }
      const slow = [await begin(), await begin()]
      const refused = await from('203.0.113.1')
      assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'KEFU_RATE_LIMITED', '1'])
      assert.equal((await from('203.0.113.2')).status, 200)
      slow[0]?.destroy()
      await eventually('a place is free', () => closed === 1)
      assert.equal((await from('203.0.113.1')).status, 200)
      slow[1]?.destroy()
      assert.deepEqual([server.reported, server.transportErrors], [[], []])
    })

    test('are no work any more once the peer has gone', async context => {
      const server = await startServer(context, transport)
      const { url } = await server.keep(server.visitor().conversation, sample('bin', 1000))
      const open = server.media.open.bind(server.media)
      let signal: AbortSignal | undefined
      server.media.open = async (...args) => {
        const read = (_: unknown, given?: AbortSignal): Promise<never> => {
          signal = given
          return new Promise((_, reject) =>
            given?.addEventListener('abort', () => reject(new KefuError('KEFU_ABORTED'))),
          )
        }
        return { ...(await open(...args)), read }
      }
      const peer = await rawConnect(server.port)
      peer.socket.write(rawRequest('GET', url))
      await eventually('reading', () => signal !== undefined)
      peer.destroy()
      await eventually('aborted', () => signal?.aborted === true)
      assert.deepEqual([server.reported, server.transportErrors], [[], []])
    })

    test('never become a document with rights', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      const html = Buffer.from('<script>alert(1)</script>')
      const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
      const cases = [
        [html, 'text/html', 'application/octet-stream', 'attachment'],
        [svg, 'image/svg+xml', 'application/octet-stream', 'attachment'],
        [svg, 'image/png', 'application/octet-stream', 'attachment'],
        [html, 'text/plain', 'text/plain; charset=utf-8', 'attachment'],
        [sample('pdf', 100), 'text/html', 'application/pdf', 'attachment'],
        [sample('png', 100), 'text/html', 'image/png', 'inline'],
        [sample('mp4', 100), undefined, 'video/mp4', 'inline'],
      ] as const
      for (const [bytes, declared, type, disposition] of cases) {
        const { meta, url } = await server.keep(conversation, bytes, declared)
        const { headers, body } = await server.ask(url)
        assert.equal(headers['content-type'], type)
        assert.match(
          headers['content-disposition'] ?? '',
          new RegExp(`^${disposition}; filename="${meta.media}\\.[a-z0-9]+"$`),
        )
        assert.equal(headers['x-content-type-options'], 'nosniff')
        assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox")
        assert.ok(body.equals(bytes))
      }
    })

    test('come in parts, when they are sounds or films', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      const bytes = sample('mp4', 900_000)
      const { url } = await server.keep(conversation, bytes)
      const whole = await server.ask(url)
      assert.deepEqual(
        [whole.status, whole.headers['accept-ranges'], whole.headers['content-length']],
        [200, 'bytes', '900000'],
      )
      assert.ok(whole.body.equals(bytes))
      const etag = whole.headers.etag ?? ''
      const parts: readonly (readonly [string, number, number])[] = [
        ['bytes=0-0', 0, 0],
        ['bytes=0-', 0, 899_999],
        ['bytes=-1', 899_999, 899_999],
        ['bytes=262143-262144', 262_143, 262_144],
        ['bytes=100000-799999', 100_000, 799_999],
        ['bytes=899999-9999999', 899_999, 899_999],
      ]
      for (const [range, first, last] of parts) {
        const part = await server.ask(url, { headers: { range, 'if-range': etag } })
        assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes ${first}-${last}/900000`])
        assert.equal(part.headers['content-length'], String(last - first + 1))
        assert.ok(part.body.equals(bytes.subarray(first, last + 1)), range)
      }
      const outside = await server.ask(url, { headers: { range: 'bytes=900000-' } })
      assert.deepEqual(
        [outside.status, outside.code, outside.headers['content-range']],
        [416, 'KEFU_RANGE_INVALID', 'bytes */900000'],
      )
      for (const headers of [
        { range: 'bytes=0-1,5-6' },
        { range: 'junk' },
        { range: 'bytes=0-0', 'if-range': '"old"' },
      ])
        assert.equal((await server.ask(url, { headers })).body.length, 900_000)
      const image = await server.keep(conversation, sample('png', 1000))
      const ignored = await server.ask(image.url, { headers: { range: 'bytes=0-0' } })
      assert.deepEqual([ignored.status, ignored.headers['accept-ranges']], [200, undefined])
    })

    test('come as they are stored to peers that take zstd', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      const text = sampleText(600_000)
      const { url } = await server.keep(conversation, text, 'text/csv')
      const plain = await server.ask(url)
      assert.deepEqual(
        [plain.headers['content-encoding'], plain.headers['content-length']],
        [undefined, String(text.length)],
      )
      assert.ok(plain.body.equals(text))
      const packed = await server.ask(url, { headers: { 'accept-encoding': 'gzip, zstd' } })
      assert.equal(packed.headers['content-encoding'], 'zstd')
      assert.match(packed.headers.vary ?? '', /accept-encoding/)
      assert.ok(packed.body.length < text.length * 0.9)
      assert.ok(Buffer.from(await decompress(packed.body, ZSTD_MEDIA_LIMITS)).equals(text))
      assert.notEqual(packed.headers.etag, plain.headers.etag)
      const refused = await server.ask(url, { headers: { 'accept-encoding': 'zstd;q=0' } })
      assert.equal(refused.headers['content-encoding'], undefined)
    })

    test('are not sent again to whoever has them', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      const { url } = await server.keep(conversation, sample('png', 1000))
      const { etag = '', 'cache-control': cache } = (await server.ask(url)).headers
      assert.equal(cache, 'private, max-age=600, immutable')
      const again = await server.ask(url, { headers: { 'if-none-match': etag } })
      assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag])
      assert.equal((await server.ask(url, { headers: { 'if-none-match': '"other"' } })).status, 200)
    })

    test('answer HEAD with everything but the body', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      for (const bytes of [sample('png', 1000), sample('mp4', 900_000), sampleText(600_000)]) {
        const { url } = await server.keep(conversation, bytes)
        const get = await server.ask(url)
        const head = await server.ask(url, { method: 'HEAD' })
        assert.deepEqual([head.status, head.body.length], [200, 0])
        for (const name of ['content-type', 'content-length', 'etag', 'content-disposition', 'accept-ranges'])
          assert.equal(head.headers[name], get.headers[name], name)
      }
      assert.deepEqual(server.transportErrors, [])
    })

    test('can be read by pages of the channels', async context => {
      const server = await startServer(context, transport)
      const { url } = await server.keep(server.visitor().conversation, sample('png', 1000))
      const allowed = await server.ask(url, { headers: { origin: SHOP } })
      assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [200, SHOP])
      assert.equal((await server.ask(url, { headers: { origin: 'https://evil.example' } })).status, 403)
    })

    test('never contain damaged bytes', async context => {
      const server = await startServer(context, transport)
      const { conversation } = server.visitor()
      for (const bytes of [sample('png', 1000), sample('mp4', 900_000), sampleText(600_000)]) {
        const { meta, url } = await server.keep(conversation, bytes)
        const path = join(server.mediaPath, conversation, meta.media)
        const stored = readFileSync(path)
        stored[stored.length - 5]! ^= 8
        writeFileSync(path, stored)
        const refused = await server.ask(url)
        assert.deepEqual([refused.status, refused.code], [500, 'KEFU_STORE_CORRUPT'])
        assert.ok(!refused.body.includes(server.mediaPath))
      }
      assert.deepEqual(
        server.reported.map(({ error, route }) => [error.code, route]),
        new Array(3).fill(['KEFU_STORE_CORRUPT', '/v1/media/:conversation/:media']),
      )
    })
  })
}
