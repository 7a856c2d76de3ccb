import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rawConnect } from '../helpers/raw-connection.js'
import { parseResponses, rawExchange, rawRequest } from '../helpers/raw-http.js'
import { openBench, type Subject } from '../helpers/raw-transport.js'
import { upgradeHeaders } from '../helpers/raw-ws.js'

/** HTTP requests that no handler may see: those two parsers could read differently, and those with too large a header. */
export function refusalCases(subject: Subject): void {
  describe('refusal', { concurrency: true }, () => {
    const smuggling: Readonly<Record<string, string>> = {
      'two lengths, first longer': rawRequest('POST', '/', ['content-length: 5', 'content-length: 3'], 'hello'),
      'two lengths, first shorter': rawRequest('POST', '/', ['content-length: 3', 'content-length: 5'], 'hello'),
      'the same length twice': rawRequest('POST', '/', ['content-length: 5', 'Content-Length: 5'], 'hello'),
      'two lengths in one': rawRequest('POST', '/', ['content-length: 5, 5'], 'hello'),
      'length +5': rawRequest('POST', '/', ['content-length: +5'], 'hello'),
      'length -5': rawRequest('POST', '/', ['content-length: -5'], 'hello'),
      'length 5abc': rawRequest('POST', '/', ['content-length: 5abc'], 'hello'),
      'length 0x5': rawRequest('POST', '/', ['content-length: 0x5'], 'hello'),
      'no number as length': rawRequest('POST', '/', ['content-length:'], 'hello'),
      'encoding xchunked': rawRequest('POST', '/', ['transfer-encoding: xchunked'], '5\r\nhello\r\n0\r\n\r\n'),
      'encoding Chunked': rawRequest('POST', '/', ['transfer-encoding: chunKed'], '5\r\nhello\r\n0\r\n\r\n'),
      'encoding gzip, chunked': rawRequest('POST', '/', ['transfer-encoding: gzip, chunked'], '0\r\n\r\n'),
      'encoding chunked, identity': rawRequest('POST', '/', ['transfer-encoding: chunked, identity'], '0\r\n\r\n'),
      'encoding identity': rawRequest('POST', '/', ['transfer-encoding: identity'], 'hello'),
      'encoding twice': rawRequest(
        'POST',
        '/',
        ['transfer-encoding: chunked', 'transfer-encoding: chunked'],
        '0\r\n\r\n',
      ),
      'encoding twice, one odd': rawRequest(
        'POST',
        '/',
        ['transfer-encoding: chunked', 'transfer-encoding: x'],
        '0\r\n\r\n',
      ),
      'length, then encoding': rawRequest(
        'POST',
        '/',
        ['content-length: 5', 'transfer-encoding: chunked'],
        '0\r\n\r\n',
      ),
      'encoding, then length': rawRequest(
        'POST',
        '/',
        ['transfer-encoding: chunked', 'content-length: 5'],
        '0\r\n\r\n',
      ),
      'two hosts': rawRequest('GET', '/', ['host: other']),
      'an upgrade with two lengths': rawRequest(
        'GET',
        '/',
        upgradeHeaders(['content-length: 0', 'content-length: 1']),
        'x',
      ),
      'an upgrade with odd encoding': rawRequest(
        'GET',
        '/',
        upgradeHeaders(['transfer-encoding: xchunked']),
        '0\r\n\r\n',
      ),
    }

    test('ambiguous requests, and what follows them, reach no handler: 400 and close', async t => {
      let calls = 0
      const bench = await openBench(t, subject, {
        upgrade: () => {
          calls++
          return { accept: true, subprotocol: '', context: undefined }
        },
        request: () => {
          calls++
          return { status: 200 }
        },
      })
      for (const [name, request] of Object.entries(smuggling)) {
        for (const follower of ['', rawRequest('GET', '/smuggled')]) {
          const connection = await rawConnect(bench.port)
          connection.write(request + follower)
          await connection.closed(3000).catch(error => assert.fail(`${name}: ${error}`))
          const responses = parseResponses(connection.received())
          assert.ok(responses.length <= 1, name)
          assert.ok(
            responses.every(response => response.status === 400),
            name,
          )
        }
      }
      assert.equal(calls, 0)
      // The common cases are told, not only cut.
      for (const name of ['two lengths, first shorter', 'encoding xchunked', 'the same length twice']) {
        const response = await rawExchange(bench.port, smuggling[name] ?? '')
        assert.equal(response.status, 400, name)
        assert.equal(response.headers.connection?.toLowerCase(), 'close', name)
      }
      assert.equal(calls, 0)
      assert.deepEqual(bench.reported, [])
    })

    test('a header block over the limit is answered 431 or cut', async t => {
      let calls = 0
      const bench = await openBench(t, subject, {
        request: () => {
          calls++
          return { status: 200 }
        },
      })
      const cases = {
        'a long value': rawRequest('GET', '/', [`x-long: ${'x'.repeat(5000)}`]),
        'a long path': rawRequest('GET', `/${'x'.repeat(5000)}`),
        'a long query': rawRequest('GET', `/?${'x'.repeat(5000)}`),
        'a long name': rawRequest('GET', '/', [`${'x'.repeat(5000)}: 1`]),
        'forty lines': rawRequest(
          'GET',
          '/',
          [...Array(40).keys()].map(index => `x-${index}: ${'y'.repeat(120)}`),
        ),
      }
      for (const [name, request] of Object.entries(cases)) {
        const connection = await rawConnect(bench.port)
        connection.write(request)
        await connection.closed(3000).catch(error => assert.fail(`${name}: ${error}`))
        for (const response of parseResponses(connection.received())) assert.equal(response.status, 431, name)
      }
      assert.equal(calls, 0)
      const fits = await rawExchange(bench.port, rawRequest('GET', '/', [`x-long: ${'x'.repeat(3500)}`]))
      assert.equal(fits.status, 200)
    })
  })
}
