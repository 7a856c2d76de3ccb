import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { createPlatformHttp, type PlatformHttpOptions } from '../../src/daemon/channels/platform-http.js'
import { isPublicAddress } from '../../src/daemon/channels/public-address.js'
import type { PlatformResponse } from '../../src/daemon/core/channel-adapter.js'
import { isKefuError, type KefuError } from '../../src/errors.js'
import { answering, answerText, platformHost } from '../helpers/platform-host.js'

const NOT_PUBLIC = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.1.2.3'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
  ...['198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.1.1.1', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:808:808', '::127.0.0.1'],
  ...['64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:7f00:1::', '2001:2::1'],
  ...['2001:20::1', '2001:db8::1', '2002:7f00:1::', '2002:808:808::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1'],
  ...[
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '4000::1',
    '2606:4700::1%1',
    '',
    'localhost',
    '8.8.8',
    '8.8.8.8:80',
  ],
]

const PUBLIC = [
  ...['8.8.8.8', '1.1.1.1', '100.63.255.255', '100.128.0.0', '172.15.0.1', '172.32.0.1', '192.0.1.1', '198.17.0.1'],
  ...['223.255.255.255', '2606:4700:4700::1111', '2400:3200::1', '2001:4860:4860::8888', '2a00:1450::1'],
]

const TRUSTED = new AbortController().signal

function fetchLink(t: TestContext, url: string, options: PlatformHttpOptions): Promise<PlatformResponse> {
  const http = createPlatformHttp(options)
  t.after(() => http.close())
  return http.call({ method: 'GET', url, timeoutMs: 2_000, limitBytes: 1_000, isForeign: true }, TRUSTED)
}

async function refusal(promise: Promise<unknown>): Promise<KefuError> {
  const error = await promise.then(
    () => assert.fail('the link was followed'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isKefuError(error), String(error))
  return error
}

/** A resolver that gives the next of these answers each time. */
function resolver(answers: readonly (readonly string[])[]): { lookup: LookupFunction; asked(): number } {
  let asked = 0
  return {
    asked: () => asked,
    lookup: (_, options, callback) => {
      const addresses = (answers[Math.min(asked++, answers.length - 1)] ?? []).map(
        (address): LookupAddress => ({ address, family: isIP(address) }),
      )
      if (options.all === true) callback(null, addresses)
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family)
    },
  }
}

/** Public by its number, but never given out: nobody is reached there. */
const NOWHERE = '2000::1'

const unasked: LookupFunction = () => assert.fail('a name was looked up')

describe('addresses', () => {
  test('of this machine, its neighbourhood, groups and disguises are not public', () => {
    for (const address of NOT_PUBLIC) assert.equal(isPublicAddress(address), false, address)
  })

  test('of the rest of the world are', () => {
    for (const address of PUBLIC) assert.equal(isPublicAddress(address), true, address)
  })
})

describe('a link from outside', () => {
  test('to an address that is not public is refused, however it is written', async t => {
    const hosts = NOT_PUBLIC.filter(address => isIP(address) !== 0 && !address.includes('%')).map(address =>
      isIP(address) === 6 ? `[${address}]` : address,
    )
    const disguises = [
      '127.1',
      '0x7f.1',
      '2130706433',
      '0177.0.0.1',
      '0',
      '127.0.0.1.',
      '１２７.0.0.1',
      '[::ffff:7f00:1]',
    ]
    for (const host of [...hosts, ...disguises]) {
      const error = await refusal(fetchLink(t, `http://${host}:8080/x`, { lookup: unasked }))
      assert.equal(error.code, 'KEFU_PLATFORM_REFUSED', host)
      assert.match(error.message, /not public/, host)
    }
  })

  test('to a name whose addresses are not public is refused', async t => {
    for (const addresses of [['127.0.0.1'], ['10.0.0.1', 'fe80::1'], ['::ffff:127.0.0.1'], []]) {
      const error = await refusal(fetchLink(t, 'http://files.example/x', resolver([addresses])))
      assert.equal(error.code, 'KEFU_PLATFORM_REFUSED')
      assert.match(error.message, /files\.example has no public address/)
    }
    const localhost = await refusal(fetchLink(t, 'http://localhost:8080/', {}))
    assert.match(localhost.message, /no public address/)
  })

  test('to a name that changes its mind is looked up once, and only what was checked is connected to', async t => {
    const host = await platformHost(t, answering(answerText('secret of the house')))
    const { lookup, asked } = resolver([[NOWHERE], ['127.0.0.1']])
    const http = createPlatformHttp({ lookup })
    t.after(() => http.close())
    const url = `http://files.example:${host.port}/`
    await refusal(http.call({ method: 'GET', url, timeoutMs: 300, limitBytes: 100, isForeign: true }, TRUSTED))
    assert.equal(asked(), 1)
    const second = await refusal(
      http.call({ method: 'GET', url, timeoutMs: 300, limitBytes: 100, isForeign: true }, TRUSTED),
    )
    assert.match(second.message, /no public address/)
    assert.equal(host.accepted, 0)
  })

  test('to a name with some addresses that are not public reaches none of these', async t => {
    const host = await platformHost(t, answering(answerText('secret of the house')))
    const { lookup } = resolver([['127.0.0.1', NOWHERE, '::1']])
    const http = createPlatformHttp({ lookup })
    t.after(() => http.close())
    const url = `http://files.example:${host.port}/`
    await refusal(http.call({ method: 'GET', url, timeoutMs: 300, limitBytes: 100, isForeign: true }, TRUSTED))
    assert.equal(host.accepted, 0)
  })

  test('does not get a connection that was opened to the same place on our own behalf', async t => {
    const host = await platformHost(t, answering(answerText('secret of the house')))
    const { lookup } = resolver([['127.0.0.1']])
    const http = createPlatformHttp({ lookup })
    t.after(() => http.close())
    const request = {
      method: 'GET' as const,
      url: `http://files.example:${host.port}/`,
      timeoutMs: 2_000,
      limitBytes: 100,
    }
    assert.equal((await http.call(request, TRUSTED)).status, 200)
    await refusal(http.call({ ...request, isForeign: true }, TRUSTED))
    assert.equal(host.accepted, 1)
    assert.equal(host.received().match(/GET/g)?.length, 1)
  })

  test('has only the schemes and ports of the web, and no user', async t => {
    const links = [
      ...['ftp://files.example/', 'file:///etc/passwd', 'gopher://files.example/', 'javascript:alert(1)'],
      ...['http://files.example:22/', 'http://files.example:25/', 'https://files.example:1023/'],
      ...['http://user@files.example/', 'http://user:secret@files.example/', 'http://:secret@files.example/'],
    ]
    for (const url of links) {
      const error = await refusal(fetchLink(t, url, { lookup: unasked }))
      assert.equal(error.code, 'KEFU_PLATFORM_REFUSED', url)
      assert.doesNotMatch(error.message, /secret|files\.example|passwd/)
    }
  })
})
