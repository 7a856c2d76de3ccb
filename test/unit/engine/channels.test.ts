import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createChannels } from '../../../src/daemon/engine/registry/channels.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

async function setUp() {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  let count = 0
  const random = (length: number) => createHash('shake256', { outputLength: length }).update(String(count++)).digest()
  const ports = { directory, clock, random }
  return { directory, ports, channels: await createChannels(ports) }
}

test('a web channel gets a number and an identity secret; the same again is unchanged', async () => {
  const { channels } = await setUp()
  const origins = ['https://shop.example', 'https://www.shop.example/']
  const added = await channels.add({ kind: 'web', name: 'shop', origins })
  assert.equal(added.channel.number, 1)
  assert.deepEqual(added.channel.origins, ['https://shop.example', 'https://www.shop.example'])
  assert.match(added.identitySecret ?? '', /^[A-Za-z0-9_-]{43}$/)
  assert.equal(added.channel.identitySecret, added.identitySecret)
  assert.equal(added.token, undefined)
  const again = await channels.add({ kind: 'web', name: 'shop', origins: origins.toReversed() })
  assert.deepEqual(again, { channel: added.channel, changed: false })
})

test('an app channel gets a token, stored as its digest', async () => {
  const { channels, directory } = await setUp()
  const { channel, token = '' } = await channels.add({ kind: 'app', name: 'backend' })
  assert.match(token, /^kpt_[A-Za-z0-9_-]{43}$/)
  assert.equal(channel.identitySecret, undefined)
  assert.ok(!JSON.stringify(await directory.list('')).includes(token.slice(4)))
  assert.equal(channels.byToken(token)?.name, 'backend')
  assert.equal(channels.byToken(`kat_${token.slice(4)}`), undefined)
  await channels.remove('backend')
  assert.equal(channels.byToken(token), undefined)
})

test('an app channel may get more tokens beside or instead of the others, sixteen at most; a web channel has none', async () => {
  const { channels, ports } = await setUp()
  const { token: first = '', channel } = await channels.add({ kind: 'app', name: 'backend' })
  const { token: second } = await channels.issueToken('backend')
  for (const token of [first, second]) assert.equal(channels.byToken(token)?.number, channel.number)
  const { token: third } = await channels.issueToken('backend', { replace: true })
  for (const token of [first, second]) assert.equal(channels.byToken(token), undefined)
  assert.equal(channels.byToken(third)?.tokens.length, 1)
  assert.equal((await createChannels(ports)).byToken(third)?.name, 'backend')
  for (let count = 1; count < 16; count++) await channels.issueToken('backend')
  await assert.rejects(channels.issueToken('backend'), error => isKefuError(error, 'KEFU_TOKENS_USED'))
  assert.equal((await channels.issueToken('backend', { replace: true })).channel.tokens.length, 1)
  await channels.add({ kind: 'web', name: 'shop' })
  await assert.rejects(channels.issueToken('shop'), /a channel of kind web has no tokens/)
  await assert.rejects(channels.issueToken('backen'), /did you mean "backend"/)
})

test('the same name with another kind or other origins is a conflict', async () => {
  const { channels } = await setUp()
  await channels.add({ kind: 'web', name: 'shop', origins: ['https://shop.example'] })
  for (const spec of [{ kind: 'app', name: 'shop' } as const, { kind: 'web', name: 'shop' } as const])
    await assert.rejects(channels.add(spec), error => isKefuError(error, 'KEFU_CHANNEL_EXISTS'))
})

test('numbers are never given out again, also after a restart', async () => {
  const { channels, ports } = await setUp()
  for (const name of ['a', 'b', 'c']) await channels.add({ kind: 'web', name })
  await channels.remove('c')
  await channels.remove('a')
  const later = await createChannels(ports)
  const { channel } = await later.add({ kind: 'web', name: 'c' })
  assert.equal(channel.number, 4)
  assert.equal(later.byNumber(3), undefined)
  assert.equal(later.byNumber(2)?.name, 'b')
  assert.equal(later.byNumber(4)?.name, 'c')
})

test('numbers end at 65535', async () => {
  const { channels, directory } = await setUp()
  await directory.create('counter/channel-number', 65_534)
  assert.equal((await channels.add({ kind: 'web', name: 'last' })).channel.number, 65_535)
  await assert.rejects(channels.add({ kind: 'web', name: 'more' }), error =>
    isKefuError(error, 'KEFU_CHANNEL_NUMBERS_USED'),
  )
  assert.equal(channels.byName('more'), undefined)
})

test('concurrent additions get different numbers', async () => {
  const { channels } = await setUp()
  const added = await Promise.all(
    Array.from({ length: 20 }, (_, index) => channels.add({ kind: 'web', name: `c${index}` })),
  )
  assert.equal(new Set(added.map(({ channel }) => channel.number)).size, 20)
})

test('origins can be replaced; number and secret stay', async () => {
  const { channels } = await setUp()
  const { channel } = await channels.add({ kind: 'web', name: 'shop', origins: ['https://a.example'] })
  const changed = await channels.set('shop', { origins: ['https://b.example', 'https://b.example'] })
  assert.deepEqual(changed, { channel: { ...channel, origins: ['https://b.example'] }, changed: true })
  assert.equal((await channels.set('shop', { origins: ['https://b.example'] })).changed, false)
  assert.equal(channels.byNumber(channel.number)?.origins[0], 'https://b.example')
  await channels.add({ kind: 'app', name: 'backend' })
  await assert.rejects(channels.set('backend', { origins: ['https://b.example'] }), error =>
    isKefuError(error, 'KEFU_USAGE'),
  )
  await assert.rejects(channels.set('shopp', { origins: [] }), /did you mean "shop"/)
})

test('what is no origin is refused', async () => {
  const { channels } = await setUp()
  const wrong = [
    'shop.example',
    'https://a.example/path',
    'https://u:p@a.example',
    'https://a.example?x',
    'ftp://a.example',
  ]
  for (const origin of [...wrong, 'null', '*', 'https://', 'javascript:alert(1)', `https://${'a'.repeat(400)}.example`])
    await assert.rejects(
      channels.add({ kind: 'web', name: 'shop', origins: [origin] }),
      error => isKefuError(error, 'KEFU_USAGE'),
      origin,
    )
  const many = Array.from({ length: 65 }, (_, index) => `https://a${index}.example`)
  await assert.rejects(channels.add({ kind: 'web', name: 'shop', origins: many }), error =>
    isKefuError(error, 'KEFU_USAGE'),
  )
  await assert.rejects(channels.add({ kind: 'app', name: 'x', origins: ['https://a.example'] }), /has no page origins/)
  const { channel } = await channels.add({
    kind: 'web',
    name: 'shop',
    origins: ['HTTPS://Shop.Example:443', 'http://127.0.0.1:8787'],
  })
  assert.deepEqual(channel.origins, ['http://127.0.0.1:8787', 'https://shop.example'])
})

test('everything is there again after a restart', async () => {
  const { channels, ports } = await setUp()
  await channels.add({ kind: 'web', name: 'shop', origins: ['https://a.example'] })
  const { token = '' } = await channels.add({ kind: 'app', name: 'backend' })
  const later = await createChannels(ports)
  assert.deepEqual(later.list(), channels.list())
  assert.equal(later.byToken(token)?.name, 'backend')
})

test('a stored entry that is no channel is named, not guessed', async () => {
  const { directory, ports } = await setUp()
  await directory.create('channel/a', { name: 'a', number: 0 })
  await assert.rejects(createChannels(ports), error => isKefuError(error, 'KEFU_STORE_CORRUPT'))
})
