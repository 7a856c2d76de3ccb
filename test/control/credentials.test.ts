import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import type { ControlPorts } from '../../src/daemon/control/handlers.js'
import { removeStrays } from '../../src/daemon/core/strays.js'
import { type ErrorCode, isKefuError, KefuError } from '../../src/errors.js'
import { openRig } from './harness.js'

const CANARY = 'canary1234567890'
const SHOP = { owner: 'shop', name: 'app-secret' }

async function rig(t: TestContext, change: Partial<ControlPorts['credentials']> = {}) {
  const base = await openRig(t)
  const credentials = { ...base.ports.credentials, ...change }
  const opened = Object.keys(change).length === 0 ? base : await openRig(t, { ...base.ports, credentials })
  await opened.client.call('channel.add', { kind: 'web', name: 'shop', origins: [] })
  const silent = () => assert.ok(!opened.logged.join().includes(CANARY), opened.logged.join())
  return { ...opened, silent, vault: credentials.vault }
}

const refused = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isKefuError(error, code), String(error))
  assert.match(error.message, message)
  assert.ok(!`${error.message}${error.hint}`.includes(CANARY))
  return true
}

describe('credentials over the control socket', () => {
  test('of a kind that knows its own, no others are taken, and the nearest is named', async t => {
    const known = () => [
      { name: 'app-secret', summary: 'of the app, 16 characters', hasForm: (value: string) => value.length === 16 },
      { name: 'token', summary: 'that signs', hasForm: () => true },
    ]
    const { client, silent, vault } = await rig(t, { known })
    await client.call('credential.set', { ...SHOP, value: CANARY })
    const form = refused('KEFU_CREDENTIAL_INVALID', /form of app-secret of channel\/shop \(of the app, 16 characters\)/)
    await assert.rejects(client.call('credential.set', { ...SHOP, value: `${CANARY}x` }), form)
    await assert.rejects(client.call('credential.rotate', { ...SHOP, value: `${CANARY}x`, keepMs: 0 }), form)
    assert.equal(vault.secrets('channel/1').get('app-secret')?.value, CANARY)
    const wrong = { owner: 'shop', name: 'app-sekret', value: CANARY }
    const near = refused('KEFU_CREDENTIAL_NOT_FOUND', /channel\/shop has no .* did you mean "app-secret"\?/)
    await assert.rejects(client.call('credential.set', wrong), near)
    const all = refused('KEFU_CREDENTIAL_NOT_FOUND', /it has app-secret, token$/)
    await assert.rejects(client.call('credential.set', { ...wrong, name: CANARY }), all)
    silent()
  })

  test('a rotation whose test fails says why and changes nothing', async t => {
    const test = async (owner: string, secrets: ReadonlyMap<string, { readonly value: string }>) => {
      assert.equal(owner, 'channel/1')
      assert.equal(secrets.get('app-secret')?.value, CANARY)
      throw new KefuError('KEFU_TIMEOUT', { what: 'the platform', timeoutMs: 5 })
    }
    const { client, vault, silent } = await rig(t, { test })
    await client.call('credential.set', { ...SHOP, value: 'old' })
    const before = await client.call('credential.list', {})
    const rotated = client.call('credential.rotate', { ...SHOP, value: CANARY, keepMs: 1_000 })
    await assert.rejects(rotated, refused('KEFU_TIMEOUT', /the platform/))
    assert.deepEqual(await client.call('credential.list', {}), before)
    assert.equal(vault.secrets('channel/1').get('app-secret')?.value, 'old')
    silent()
  })

  test('what is wrong with a request is said without any of it', async t => {
    const { path, silent } = await rig(t)
    const bodies = [
      JSON.stringify({ ...SHOP, value: 'x', [CANARY]: 1 }),
      JSON.stringify({ ...SHOP, value: [CANARY] }),
      JSON.stringify({ ...SHOP, value: CANARY.repeat(1_000) }),
      JSON.stringify({ ...SHOP, owner: CANARY, value: 'x' }),
      JSON.stringify({ ...SHOP, name: `${CANARY}!`, value: 'x' }),
      JSON.stringify({ ...SHOP, name: `${CANARY}deadbeef`, value: 'x' }),
      `{"value": ${CANARY}`,
    ]
    for (const body of bodies) {
      const text = await post(path, 'credential.set', body)
      assert.match(text, /"code":"KEFU_/)
      assert.ok(!text.includes(CANARY), text)
    }
    silent()
  })

  test('what a crash left of a channel that is gone is removed at the start', async t => {
    const { vault } = await rig(t)
    await vault.set('channel/1', 'token', 'x')
    await vault.set('channel/9', 'token', 'x')
    await vault.set('hook/h_1', 'token', 'x')
    await removeStrays(vault, owner => owner === 'channel/9')
    assert.deepEqual(
      vault.list().map(({ owner }) => owner),
      ['channel/1', 'hook/h_1'],
    )
  })
})

function post(socketPath: string, operation: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/v1/${operation}`, method: 'POST' }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    call.on('error', reject)
    call.end(body)
  })
}
