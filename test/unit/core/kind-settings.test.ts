import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WEBHOOK } from '../../../src/daemon/channels/tables/webhook.js'
import { WECHAT_MP } from '../../../src/daemon/channels/tables/wechat-mp.js'
import { CHANNEL_TABLES } from '../../../src/daemon/channels/tables.js'
import type { KindTable } from '../../../src/daemon/core/channel-adapter.js'
import { changedSettings } from '../../../src/daemon/core/kind-settings.js'

function set(table: KindTable, name: string, value: string): unknown {
  return changedSettings(table, {}, { [name]: value })[name]
}

function refusal(table: KindTable, name: string, value: string): string {
  try {
    set(table, name, value)
  } catch (error) {
    return String((error as Error).message)
  }
  return assert.fail(`${value} was taken`)
}

test('the endpoint of another system is kept as it is written', () => {
  for (const address of [
    'https://shop.example',
    'https://shop.example/kefu/',
    'https://shop.example/kefu?shop=7&from=kefu',
    'http://127.0.0.1:8090/?',
  ])
    assert.equal(set(WEBHOOK, 'endpoint', address), address)
})

test('an endpoint holds no password and nothing that is never sent', () => {
  for (const address of [
    'https://me@shop.example/kefu',
    'https://me:secret@shop.example/kefu',
    'https://shop.example/kefu#part',
    'https://shop.example/kefu#',
    'ftp://shop.example/kefu',
    'shop.example/kefu',
    'https://shop.example/ke fu',
    'https://shop.example/kefu\n',
    `https://shop.example/${'x'.repeat(500)}`,
  ]) {
    const reason = refusal(WEBHOOK, 'endpoint', address)
    assert.match(reason, /endpoint is an address such as https:.*without password and fragment/)
    assert.doesNotMatch(reason, /secret/)
  }
})

test('the address of a platform has nothing behind its path', () => {
  assert.equal(set(WECHAT_MP, 'base-url', 'https://proxy.example/wechat//'), 'https://proxy.example/wechat')
  for (const address of ['https://a.example?b=1', 'https://a.example?', 'https://a.example#b', 'https://me@a.example'])
    assert.match(refusal(WECHAT_MP, 'base-url', address), /base-url is an address such as/)
})

test('what has another form is told its form', () => {
  assert.match(
    refusal(WECHAT_MP, 'app-id', 'wx-1'),
    /app-id is wx and 6 to 30 letters and digits, such as wx0123456789abcdef/,
  )
  assert.match(
    refusal(WECHAT_MP, 'media-hosts', 'QQ.com, x'),
    /media-hosts is names of hosts in lower case, separated by/,
  )
})

test('examples and defaults have the form of their setting', () => {
  for (const table of Object.values<KindTable>(CHANNEL_TABLES))
    for (const [name, row] of Object.entries(table.settings))
      for (const value of [row.example, row.type === 'endpoint' ? undefined : row.default])
        if (value !== undefined) assert.equal(set(table, name, String(value)), value)
})
