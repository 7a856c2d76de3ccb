import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { nextResponse, rawExchange, rawRequest } from '../helpers/raw-http.js'
import { openBench, patternBytes, type Subject } from '../helpers/raw-transport.js'

const MIB = 1024 * 1024

/** A stream of `bytes` bytes in pieces, which counts what was taken from it. */
function countedStream(bytes: number, pieceBytes = 64 * 1024): { readonly stream: Readable; taken(): number } {
  let taken = 0
  const stream = new Readable({
    highWaterMark: pieceBytes,
    read() {
      if (taken === bytes) {
        this.push(null)
        return
      }
      const size = Math.min(pieceBytes, bytes - taken)
      const piece = patternBytes(size, taken)
      taken += size
      this.push(piece)
    },
  })
  return { stream, taken: () => taken }
}

async function digest(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** HTTP responses: bodies of every kind, at the pace of the peer. */
export function responseCases(subject: Subject): void {
  describe('response', { concurrency: true }, () => {
    test('HEAD, 204 and 304 have no body, and the connection goes on', async t => {
      const streams: Readable[] = []
      const bench = await openBench(t, subject, {
        request: request => {
          const { stream } = countedStream(10)
          if (request.path === '/bytes') return { status: 200, body: 'twelve bytes' }
          if (request.path === '/declared') return { status: 200, headers: { 'content-length': '1234' } }
          if (request.path === '/stream') {
            streams.push(stream)
            return { status: 200, headers: { 'content-length': '10' }, body: stream }
          }
          return { status: Number(request.path.slice(1)), body: '' }
        },
      })
      const connection = await rawConnect(bench.port)
      const requests = [
        ['HEAD', '/bytes', '12'],
        ['HEAD', '/declared', '1234'],
        ['HEAD', '/stream', '10'],
        ['GET', '/204', undefined],
        ['GET', '/304', undefined],
        ['HEAD', '/200', '0'],
      ] as const
      for (const [index, [method, path, length]] of requests.entries()) {
        connection.write(rawRequest(method, path))
        const response = await nextResponse(connection, index, undefined, true)
        assert.equal(response.headers['content-length'], length, `${method} ${path}`)
        assert.equal(response.headers['transfer-encoding'], undefined)
        assert.equal(response.status, length === undefined ? Number(path.slice(1)) : 200)
      }
      connection.write(rawRequest('GET', '/bytes'))
      await connection.until(bytes => bytes.toString().endsWith('\r\n\r\ntwelve bytes'))
      await eventually('the unused stream is destroyed', () => streams.every(stream => stream.destroyed))
      assert.deepEqual(bench.reported, [])
    })

    test('bodies of known length are sent as they are, large ones too', async t => {
      const bodies: Readonly<Record<string, Uint8Array | string>> = {
        '/none': '',
        '/text': 'déjà vu',
        '/small': patternBytes(1000, 1),
        '/border': patternBytes(64 * 1024, 2),
        '/above': patternBytes(64 * 1024 + 1, 3),
        '/large': patternBytes(8 * MIB, 4),
      }
      const bench = await openBench(t, subject, {
        request: async request => {
          if (request.query.has('late')) await delay(5)
          return { status: 200, body: bodies[request.path] ?? 'what?' }
        },
      })
      const connection = await rawConnect(bench.port)
      let index = 0
      for (const query of ['', '?late']) {
        for (const [path, body] of Object.entries(bodies)) {
          const expected = Buffer.from(body)
          connection.write(rawRequest('GET', path + query))
          const response = await nextResponse(connection, index++)
          assert.equal(response.headers['content-length'], String(expected.byteLength))
          assert.equal(response.headers['transfer-encoding'], undefined)
          assert.ok(expected.equals(response.body), path + query)
        }
      }
    })

    for (const headers of [{}, { 'content-length': String(5 * MIB) }]) {
      const kind = 'content-length' in headers ? 'of known length' : 'of unknown length'
      test(`a stream ${kind} of 5 MiB arrives whole at a slow reader`, async t => {
        const bench = await openBench(t, subject, {
          request: () => ({ status: 200, headers, body: countedStream(5 * MIB).stream }),
        })
        const connection = await rawConnect(bench.port)
        const pacer = setInterval(() => {
          connection.stall()
          setTimeout(() => connection.resume(), 3)
        }, 6)
        t.after(() => clearInterval(pacer))
        connection.write(rawRequest('GET', '/'))
        const bytes = await connection.until(all => all.byteLength > 5 * MIB, 15_000)
        assert.equal(bytes.byteLength > 5 * MIB, true)
        const response = await nextResponse(connection)
        assert.equal(response.headers['content-length'], 'content-length' in headers ? String(5 * MIB) : undefined)
        assert.equal(response.body.byteLength, 5 * MIB)
        assert.equal(digestOf(response.body), await digest(countedStream(5 * MIB).stream))
        // The connection is good for another one.
        connection.write(rawRequest('GET', '/'))
        assert.equal((await nextResponse(connection, 1)).body.byteLength, 5 * MIB)
      })

      test(`a stream ${kind} is read no faster than the peer takes it, and destroyed when the peer vanishes`, async t => {
        const total = 256 * MIB
        const source = countedStream(total)
        let signal: AbortSignal | undefined
        const bench = await openBench(t, subject, {
          request: request => {
            signal = request.signal
            const length = 'content-length' in headers ? { 'content-length': String(total) } : {}
            return { status: 200, headers: length, body: source.stream }
          },
        })
        const connection = await rawConnect(bench.port)
        connection.write(rawRequest('GET', '/'))
        await eventually('started', () => connection.receivedBytes() > 100_000)
        connection.stall()
        let before = -1
        while (source.taken() !== before) {
          before = source.taken()
          await delay(150)
        }
        const unread = source.taken() - connection.receivedBytes()
        assert.ok(unread < 16 * MIB, `${unread} bytes were taken ahead of the peer`)
        assert.equal(source.stream.destroyed, false)
        connection.destroy()
        await eventually('destroyed', () => source.stream.destroyed)
        assert.equal(signal?.aborted, true)
        assert.deepEqual(bench.reported, [])
      })
    }

    test('text chunks, tiny chunks, slow chunks and an empty stream', async t => {
      async function* slow(): AsyncGenerator<string> {
        for (const word of ['eins ', 'zwei ', 'drei']) {
          await delay(30)
          yield word
        }
      }
      const bench = await openBench(t, subject, {
        request: request => {
          if (request.path === '/text') return { status: 200, body: Readable.from(['ä', 'ö', 'ü']) }
          if (request.path === '/tiny') return { status: 200, body: countedStream(1000, 1).stream }
          if (request.path === '/slow') return { status: 200, body: Readable.from(slow()) }
          if (request.path === '/nothing') {
            return { status: 200, headers: { 'content-length': '0' }, body: Readable.from([]) }
          }
          return { status: 200, body: Readable.from([]) }
        },
      })
      const expected: Readonly<Record<string, string>> = {
        '/text': 'äöü',
        '/slow': 'eins zwei drei',
        '/empty': '',
        '/nothing': '',
      }
      const connection = await rawConnect(bench.port)
      let index = 0
      for (const [path, body] of Object.entries(expected)) {
        connection.write(rawRequest('GET', path))
        assert.equal((await nextResponse(connection, index++)).body.toString(), body, path)
      }
      connection.write(rawRequest('GET', '/tiny'))
      const tiny = await nextResponse(connection, index)
      assert.equal(digestOf(tiny.body), await digest(countedStream(1000, 1).stream))
      assert.deepEqual(bench.reported, [])
    })

    test('a chunk goes out when it comes, not with the next', async t => {
      const body = new Readable({ read() {} })
      const bench = await openBench(t, subject, { request: () => ({ status: 200, body }) })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('GET', '/'))
      for (const word of ['first', 'second', 'third']) {
        body.push(word)
        await connection.until(bytes => bytes.includes(word), 2000)
      }
      body.push(null)
      assert.equal((await nextResponse(connection)).body.toString(), 'firstsecondthird')
    })

    test('a stream that fails, ends early or has the wrong length cuts the connection and is reported', async t => {
      const failing = (): Readable =>
        new Readable({
          read() {
            this.push('some')
            this.destroy(new Error('disk gone'))
          },
        })
      const dead = Readable.from(['never'])
      dead.destroy()
      const bodies: Readonly<Record<string, { headers?: Record<string, string>; body: Readable }>> = {
        '/fails': { body: failing() },
        '/destroyed': { body: dead },
        '/short': { headers: { 'content-length': '10' }, body: Readable.from(['short']) },
        '/long': { headers: { 'content-length': '10' }, body: Readable.from(['much ', 'too ', 'long', '!']) },
        '/objects': { body: Readable.from([{ not: 'bytes' }]) },
      }
      const bench = await openBench(t, subject, {
        request: request => ({ status: 200, ...bodies[request.path] }),
      })
      let count = 0
      for (const [path, { body }] of Object.entries(bodies)) {
        const connection = await rawConnect(bench.port)
        connection.write(rawRequest('GET', path))
        await connection.closed(3000)
        await assert.rejects(nextResponse(connection), /the connection ended before/, path)
        count++
        await eventually(`${path} is reported`, () => bench.reported.length === count)
        assert.equal(body.destroyed, true)
      }
    })

    test('a stream that comes after the peer has gone is destroyed', async t => {
      const source = countedStream(1000)
      let isAsked = false
      const bench = await openBench(t, subject, {
        request: async request => {
          isAsked = true
          await new Promise(resolve => request.signal.addEventListener('abort', resolve))
          return { status: 200, body: source.stream }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('GET', '/'))
      await eventually('asked', () => isAsked)
      connection.destroy()
      await eventually('destroyed', () => source.stream.destroyed)
      assert.deepEqual(bench.reported, [])
    })

    test('a handler cannot frame a response itself', async t => {
      const headers = { 'transfer-encoding': 'chunked', connection: 'upgrade', 'content-length': '3', upgrade: 'x' }
      const bench = await openBench(t, subject, { request: () => ({ status: 200, headers, body: 'hello' }) })
      const response = await rawExchange(bench.port, rawRequest('GET', '/'))
      assert.equal(response.headers['content-length'], '5')
      assert.equal(response.headers['transfer-encoding'], undefined)
      assert.equal(response.headers.upgrade, undefined)
      assert.equal(response.body.toString(), 'hello')
    })
  })
}
