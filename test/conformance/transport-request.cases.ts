import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { HttpRequest } from '../../src/daemon/transport/port.js'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { nextResponse, rawExchange, rawRequest } from '../helpers/raw-http.js'
import { codeOf, openBench, patternBytes, type Subject } from '../helpers/raw-transport.js'

const MIB = 1024 * 1024
const LIMITS = { limitBytes: 2 * MIB, timeoutMs: 5000 }

/** HTTP requests: what the handler sees, bodies, faults of handlers and peers. */
export function requestCases(subject: Subject): void {
  describe('request', { concurrency: true }, () => {
    test('the handler sees method, path, query, headers and address', async t => {
      const requests: HttpRequest[] = []
      let address = ''
      const bench = await openBench(t, subject, {
        request: request => {
          requests.push(request)
          address = request.remoteAddress
          return { status: 201, headers: { 'X-Kind': 'plain', 'content-type': 'text/plain' }, body: 'hällo' }
        },
      })
      const request = rawRequest('DELETE', '/v1/a%20b?x=1&x=2&y=%C3%A4', ['X-Thing: one', 'x-thing: two', 'Empty:'])
      const response = await rawExchange(bench.port, request)
      assert.equal(response.status, 201)
      assert.equal(response.headers['x-kind'], 'plain')
      assert.equal(response.headers['content-type'], 'text/plain')
      assert.equal(response.headers['content-length'], '6')
      assert.match(response.headers.date ?? '', / GMT$/)
      assert.equal(response.headers.uwebsockets, undefined)
      assert.equal(response.body.toString(), 'hällo')
      const [seen] = requests
      assert.equal(seen?.method, 'DELETE')
      assert.equal(seen?.path, '/v1/a%20b')
      assert.deepEqual(seen?.query.getAll('x'), ['1', '2'])
      assert.equal(seen?.query.get('y'), 'ä')
      assert.equal(seen?.header('x-thing'), 'one, two')
      assert.equal(seen?.header('X-Thing'), 'one, two')
      assert.equal(seen?.header('empty'), '')
      assert.equal(seen?.header('absent'), undefined)
      assert.equal(address, '127.0.0.1')
      assert.equal(seen?.signal.aborted, false)
      assert.deepEqual(bench.reported, [])
    })

    test('a connection carries request after request, with and without bodies', async t => {
      const bench = await openBench(t, subject, {
        request: async request => {
          const body = await request.body(LIMITS)
          return { status: 200, body: `${request.method} ${body.byteLength}` }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('GET', '/'))
      assert.equal((await nextResponse(connection, 0)).body.toString(), 'GET 0')
      connection.write(rawRequest('POST', '/', ['content-length: 5'], 'hello'))
      const second = await nextResponse(connection, 1)
      assert.equal(second.body.toString(), 'POST 5')
      assert.notEqual(second.headers.connection?.toLowerCase(), 'close')
      connection.write(rawRequest('POST', '/', ['content-length: 0']))
      assert.equal((await nextResponse(connection, 2)).body.toString(), 'POST 0')
      connection.write(rawRequest('POST', '/', ['transfer-encoding: chunked'], '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n'))
      assert.equal((await nextResponse(connection, 3)).body.toString(), 'POST 4')
      connection.write(rawRequest('PUT', '/', ['connection: close', 'content-length: 1'], 'x'))
      assert.equal((await nextResponse(connection, 4)).body.toString(), 'PUT 1')
      await connection.closed(2000)
    })

    test('a body of 1 MiB arrives whole, asked for at once or late, with a length or in chunks', async t => {
      const bytes = patternBytes(MIB, 9)
      const bench = await openBench(t, subject, {
        request: async request => {
          if (request.path === '/late') await delay(100)
          const body = await request.body(LIMITS)
          return { status: 200, body: bytes.equals(body) ? 'same' : `other: ${body.byteLength}` }
        },
      })
      const chunks = [0, 1, 2, 3].map(part => bytes.subarray((part * MIB) / 4, ((part + 1) * MIB) / 4))
      const chunked = chunks.flatMap(chunk => [`${chunk.byteLength.toString(16)}\r\n`, chunk, '\r\n'])
      for (const path of ['/now', '/late']) {
        const declared = [rawRequest('POST', path, [`content-length: ${MIB}`]), bytes]
        const unknown = [rawRequest('POST', path, ['transfer-encoding: chunked']), ...chunked, '0\r\n\r\n']
        for (const parts of [declared, unknown]) {
          const response = await rawExchange(bench.port, Buffer.concat(parts.map(part => Buffer.from(part))))
          assert.equal(response.body.toString(), 'same', path)
          assert.notEqual(response.headers.connection?.toLowerCase(), 'close')
        }
      }
      assert.deepEqual(bench.reported, [])
    })

    test('the body is the handler’s own, after an await too', async t => {
      const bodies: Uint8Array[] = []
      const bench = await openBench(t, subject, {
        request: async request => {
          bodies.push(await request.body(LIMITS))
          return { status: 204 }
        },
      })
      for (const seed of [1, 2, 3]) {
        const bytes = patternBytes(500, seed).toString('hex')
        await rawExchange(bench.port, rawRequest('POST', '/', ['content-length: 1000'], bytes))
      }
      for (const seed of [1, 2, 3]) {
        const expected = patternBytes(500, seed).toString('hex')
        assert.equal(Buffer.from(bodies[seed - 1] ?? []).toString(), expected)
      }
    })

    test('a body over the limit is answered 413, and the peer gets to see it', async t => {
      const codes: string[] = []
      const bench = await openBench(t, subject, {
        request: async request => {
          try {
            await request.body({ limitBytes: 1000, timeoutMs: 5000 })
          } catch (error) {
            codes.push(codeOf(error))
            if (request.path !== '/caught') throw error
          }
          return { status: 200, body: 'caught' }
        },
      })
      const declared = rawRequest('POST', '/', ['content-length: 1001'], 'x'.repeat(1001))
      const announced = rawRequest('POST', '/', ['content-length: 900000000'], 'x')
      const large = rawRequest('POST', '/', [`content-length: ${MIB}`], 'x'.repeat(MIB))
      const closing = rawRequest('POST', '/', ['connection: close', `content-length: ${MIB}`], 'x'.repeat(MIB))
      const chunk = `4000\r\n${'y'.repeat(0x4000)}\r\n`
      const chunked = rawRequest('POST', '/', ['transfer-encoding: chunked'], chunk.repeat(20))
      const caught = rawRequest('POST', '/caught', [`content-length: ${MIB}`], 'x'.repeat(MIB))
      for (const [request, status] of [
        [declared, 413],
        [announced, 413],
        [large, 413],
        [closing, 413],
        [chunked, 413],
        [caught, 200],
      ] as const) {
        const response = await rawExchange(bench.port, request)
        assert.equal(response.status, status)
        assert.equal(response.headers.connection, 'close')
      }
      assert.deepEqual(codes, Array(6).fill('KEFU_BODY_TOO_LARGE'))
      assert.deepEqual(bench.reported, [])
    })

    test('a peer that sends all of a refused body before it reads still gets the answer', async t => {
      const bench = await openBench(t, subject, {
        request: async request => {
          if (request.path === '/unread') return { status: 401 }
          await request.body({ limitBytes: 1000, timeoutMs: 5000 })
          return { status: 200 }
        },
      })
      // More than the kernel takes of it while nobody reads.
      const body = Buffer.alloc(5 * MIB)
      for (const [path, status] of [
        ['/large', 413],
        ['/unread', 401],
      ] as const) {
        for (const more of [[], ['connection: close']]) {
          const connection = await rawConnect(bench.port)
          connection.stall()
          connection.write(rawRequest('POST', path, [...more, `content-length: ${body.byteLength}`]))
          let isSent = false
          connection.socket.write(body, error => {
            isSent = error === undefined || error === null
          })
          await eventually(`${path} ${more}: all is sent`, () => isSent || connection.isClosed)
          connection.resume()
          assert.equal((await nextResponse(connection)).status, status, `${path} ${more}`)
          connection.destroy()
        }
      }
    })

    test('a body that nobody asks for is not read into memory', async t => {
      let isAsked = false
      const bench = await openBench(t, subject, {
        request: async request => {
          isAsked = true
          await new Promise(resolve => request.signal.addEventListener('abort', resolve))
          return { status: 204 }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('POST', '/', [`content-length: ${64 * MIB}`]))
      let isSent = false
      connection.socket.write(Buffer.alloc(64 * MIB), error => {
        isSent = error === undefined || error === null
      })
      await eventually('asked', () => isAsked)
      await delay(500)
      assert.equal(isSent, false)
      connection.destroy()
    })

    test('a body that does not arrive in time is answered 408', async t => {
      const codes: string[] = []
      const bench = await openBench(t, subject, {
        request: async request => {
          await request.body({ limitBytes: 1000, timeoutMs: 150 }).catch(error => {
            codes.push(codeOf(error))
            throw error
          })
          return { status: 200 }
        },
      })
      for (const headers of [['content-length: 10'], ['transfer-encoding: chunked']]) {
        const response = await rawExchange(bench.port, rawRequest('POST', '/', headers, '1\r\n'))
        assert.equal(response.status, 408)
        assert.equal(response.headers.connection, 'close')
      }
      assert.deepEqual(codes, ['KEFU_TIMEOUT', 'KEFU_TIMEOUT'])
      assert.deepEqual(bench.reported, [])
    })

    test('an answer before the body was read closes the connection', async t => {
      const bench = await openBench(t, subject, {
        request: async request => {
          if (request.path === '/late') await delay(50)
          return { status: 403, body: 'no' }
        },
      })
      for (const path of ['/now', '/late']) {
        for (const sent of [10, 5]) {
          const request = rawRequest('POST', path, ['content-length: 10'], 'x'.repeat(sent))
          const response = await rawExchange(bench.port, request)
          assert.equal(response.status, 403)
          assert.equal(response.headers.connection, 'close')
        }
      }
    })

    test('a peer that goes away aborts the signal and the body', async t => {
      const codes: string[] = []
      const signals: AbortSignal[] = []
      const bench = await openBench(t, subject, {
        request: async request => {
          signals.push(request.signal)
          if (request.path === '/body') {
            await request.body(LIMITS).catch(error => {
              codes.push(codeOf(error))
              throw error
            })
          }
          await new Promise(resolve => request.signal.addEventListener('abort', resolve))
          assert.equal(request.signal.aborted, true)
          return { status: 200, body: 'nobody hears it' }
        },
      })
      const body = await rawConnect(bench.port)
      body.write(rawRequest('POST', '/body', ['content-length: 10'], 'abc'))
      const plain = await rawConnect(bench.port)
      plain.write(rawRequest('GET', '/plain'))
      await eventually('asked', () => signals.length === 2)
      assert.equal(
        signals.every(signal => !signal.aborted),
        true,
      )
      body.destroy()
      plain.destroy()
      await eventually('aborted', () => signals.every(signal => signal.aborted))
      await eventually('body rejected', () => codes.length === 1)
      assert.deepEqual(codes, ['KEFU_ABORTED'])
      await delay(20)
      assert.deepEqual(bench.reported, [])
    })

    test('after the peer has gone, only what is not about that is reported', async t => {
      let done = 0
      const bench = await openBench(t, subject, {
        request: async request => {
          await new Promise(resolve => request.signal.addEventListener('abort', resolve))
          done++
          if (request.path === '/bug') throw new Error('a bug')
          request.signal.throwIfAborted()
          return { status: 200 }
        },
      })
      for (const path of ['/bug', '/abort']) {
        const connection = await rawConnect(bench.port)
        connection.write(rawRequest('GET', path))
        await delay(30)
        connection.destroy()
      }
      await eventually('both done', () => done === 2)
      await delay(20)
      assert.deepEqual(
        bench.reported.map(error => (error as Error).message),
        ['a bug'],
      )
    })

    test('a signal is not aborted by the end of its response', async t => {
      let signal: AbortSignal | undefined
      const bench = await openBench(t, subject, {
        request: request => {
          signal = request.signal
          return { status: 200, body: 'ok' }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('GET', '/', ['connection: close']))
      await connection.closed()
      await delay(20)
      assert.equal(signal?.aborted, false)
    })

    test('a handler that throws or rejects is reported and answered 500 without details', async t => {
      const bench = await openBench(t, subject, {
        request: request => {
          if (request.path === '/throws') throw new Error('secret detail')
          if (request.path === '/status') return { status: 99 }
          if (request.path === '/name') return { status: 200, headers: { 'bad name': 'x' } }
          if (request.path === '/value') return { status: 200, headers: { good: 'x\r\nevil: 1' } }
          return Promise.reject(new Error('secret detail'))
        },
      })
      const connection = await rawConnect(bench.port)
      const paths = ['/throws', '/rejects', '/status', '/name', '/value']
      for (const [index, path] of paths.entries()) {
        connection.write(rawRequest('GET', path))
        const response = await nextResponse(connection, index)
        assert.equal(response.status, 500, path)
        assert.doesNotMatch(response.body.toString(), /secret/)
        assert.equal(response.headers.evil, undefined)
      }
      assert.equal(bench.reported.length, paths.length)
    })
  })
}
