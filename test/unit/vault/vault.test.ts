import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CREDENTIALS_PER_OWNER, type Credential } from '../../../src/daemon/core/vault.js'
import { isKefuError } from '../../../src/errors.js'
import { keyInMemory } from '../../helpers/key-in-memory.js'
import { faultyDirectory, vaultBench } from '../../helpers/vault-bench.js'

const SHOP = 'channel/1'
const HOUR_MS = 3_600_000
const invalid = (error: unknown) => isKefuError(error, 'KEFU_CREDENTIAL_INVALID')
const fails = (code: Parameters<typeof isKefuError>[1]) => (error: unknown) => isKefuError(error, code)
const works = async () => undefined
const inClear = (secrets: ReadonlyMap<string, Credential>) => Object.fromEntries(secrets)

describe('a vault', () => {
  test('keeps values by owner and name, in memory, and over a restart', async () => {
    const { open, clock } = vaultBench()
    const vault = await open()
    assert.equal(vault.secrets(SHOP).size, 0)
    await vault.set(SHOP, 'token', 'one')
    clock.advance(5)
    await vault.set(SHOP, 'private-key', '-----BEGIN-----\nMIIE\n-----END-----')
    await vault.set('hook/h_1', 'token', 'three')
    await vault.set(SHOP, 'token', 'two')
    for (const each of [vault, await open()]) {
      assert.deepEqual(inClear(each.secrets(SHOP)), {
        token: { value: 'two' },
        'private-key': { value: '-----BEGIN-----\nMIIE\n-----END-----' },
      })
      assert.deepEqual(
        each.list().map(({ owner, name }) => `${owner} ${name}`),
        ['channel/1 private-key', 'channel/1 token', 'hook/h_1 token'],
      )
      assert.deepEqual(each.list(SHOP).at(-1), {
        owner: SHOP,
        name: 'token',
        setAt: clock.now(),
        digest: each.list(SHOP).at(-1)!.digest,
      })
      assert.equal(each.secrets(SHOP), each.secrets(SHOP))
    }
    assert.equal(await vault.remove(SHOP, 'token'), true)
    assert.equal(await vault.remove(SHOP, 'token'), false)
    await vault.removeOwner('hook/h_1')
    assert.deepEqual(
      (await open()).list().map(({ name }) => name),
      ['private-key'],
    )
  })

  test('stores nothing in clear', async () => {
    const { open, directory } = vaultBench()
    const vault = await open()
    await vault.set(SHOP, 'token', 'canary-1')
    await vault.rotate(SHOP, 'token', 'canary-2', { keepMs: HOUR_MS, test: works })
    const stored = (await directory.list('')).map(
      ({ key, value }) => `${key} ${JSON.stringify(value)} ${String(value)}`,
    )
    const bytes = (await directory.list('')).flatMap(({ value }) => Object.values(value as object))
    assert.doesNotMatch(stored.join(), /canary/)
    for (const each of bytes) if (each instanceof Uint8Array) assert.ok(!Buffer.from(each).includes('canary'))
  })

  test('tells of every durable change, and of nothing else', async () => {
    const { open } = vaultBench()
    const vault = await open()
    const told: string[] = []
    const end = vault.onChange(owner => told.push(owner))
    await vault.set(SHOP, 'token', 'one')
    await vault.set(SHOP, 'token', 'one')
    await vault.set('agent/a_1', 'token', 'one')
    await vault.remove(SHOP, 'none')
    await vault.remove(SHOP, 'token')
    end()
    await vault.set(SHOP, 'token', 'one')
    assert.deepEqual(told, [SHOP, 'agent/a_1', SHOP])
  })

  test('refuses names, values, times and numbers out of bounds, and repeats none of them', async () => {
    const { open } = vaultBench()
    const vault = await open()
    for (const name of ['', 'A', '1a', 'a_b', 'a/b', 'a'.repeat(41), 'canary '])
      await assert.rejects(vault.set(SHOP, name, 'x'), invalid, name)
    const values = ['', 'canary\r', 'canary\u0000', '\u007f', '\u0085', '\ud800', 'x'.repeat(8_193), '汉'.repeat(2_731)]
    for (const value of values) await assert.rejects(vault.set(SHOP, 'a', value), invalid)
    for (const value of ['x'.repeat(8_192), '汉'.repeat(2_730), '"\\\n'.repeat(2_730)]) {
      await vault.set(SHOP, 'a', value)
      assert.equal((await open()).secrets(SHOP).get('a')?.value, value)
    }
    for (const keepMs of [-1, 0.5, Number.NaN, 31 * 24 * HOUR_MS])
      await assert.rejects(vault.rotate(SHOP, 'a', 'x', { keepMs, test: works }), invalid)
    for (let i = 1; i < CREDENTIALS_PER_OWNER; i++) await vault.set(SHOP, `n${i}`, 'x')
    await assert.rejects(vault.set(SHOP, 'more', 'x'), invalid)
    await vault.set(SHOP, 'n1', 'y')
    await vault.set('channel/2', 'more', 'x')
    const error = await vault.set(SHOP, 'canary!', 'canary').catch(String)
    assert.doesNotMatch(String(error), /canary/)
  })

  test('names what was damaged, moved or sealed under another key, and goes on with the rest', async () => {
    const { open, directory } = vaultBench()
    const vault = await open()
    for (const name of ['a', 'b', 'c', 'd']) await vault.set(SHOP, name, `value-${name}`)
    const stored = (await directory.list('credential/')) as { key: string; value: object; revision: number }[]
    const [a, b, c] = stored
    await directory.update(a!.key, b!.value, a!.revision)
    await directory.update(b!.key, { v: 2 }, b!.revision)
    await directory.update(c!.key, { ...c!.value, box: new Uint8Array(30) }, c!.revision)
    const again = await open()
    assert.deepEqual(Object.keys(inClear(again.secrets(SHOP))), ['d'])
    assert.deepEqual(
      again.unreadable().map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    await assert.rejects(again.rotate(SHOP, 'a', 'x', { keepMs: 0, test: works }), fails('KEFU_CREDENTIAL_UNREADABLE'))
    await assert.rejects(again.rekey({ kind: 'file' }), fails('KEFU_CREDENTIAL_UNREADABLE'))
    await again.set(SHOP, 'a', 'anew')
    await again.remove(SHOP, 'b')
    await again.removeOwner(SHOP)
    assert.deepEqual(again.unreadable(), [])
    assert.deepEqual(await directory.list('credential/'), [])

    await again.set(SHOP, 'a', 'x')
    const foreign = await open(directory, keyInMemory())
    assert.match(foreign.unreadable()[0]!.problem, /^it is sealed under another master key \([0-9a-f]{16}\)$/)
  })

  test('reads after a failed write what has really become of it', async () => {
    for (const fault of ['done', 'refused'] as const) {
      const { open, directory } = vaultBench()
      await (await open()).set(SHOP, 'token', 'one')
      const faulty = faultyDirectory(directory, 0, fault)
      const vault = await open(faulty)
      await assert.rejects(vault.set(SHOP, 'token', 'two'), fails('KEFU_STORE_UNAVAILABLE'))
      faulty.heal()
      await vault.set(SHOP, 'other', 'x')
      assert.equal(vault.secrets(SHOP).get('token')?.value, fault === 'done' ? 'two' : 'one')
      assert.deepEqual(inClear(vault.secrets(SHOP)), inClear((await open()).secrets(SHOP)))
    }
  })
})

describe('rotating', () => {
  test('tests the secrets as they would be, switches, and lets the old one count for its time', async () => {
    const { open, clock } = vaultBench()
    const vault = await open()
    await vault.set(SHOP, 'app-id', 'id')
    await vault.set(SHOP, 'token', 'old')
    const seen: unknown[] = []
    const told: string[] = []
    vault.onChange(owner => told.push(owner))
    await vault.rotate(SHOP, 'token', 'new', {
      keepMs: HOUR_MS,
      test: async secrets => {
        seen.push(inClear(secrets), vault.secrets(SHOP).get('token'), vault.list(SHOP)[1]!.staged)
        await assert.rejects(vault.set(SHOP, 'token', 'third'), fails('KEFU_CREDENTIAL_ROTATING'))
        const second = vault.rotate(SHOP, 'token', 'third', { keepMs: 0, test: works })
        await assert.rejects(second, fails('KEFU_CREDENTIAL_ROTATING'))
      },
    })
    const both = { value: 'new', previous: 'old' }
    assert.deepEqual(seen, [{ 'app-id': { value: 'id' }, token: { value: 'new' } }, { value: 'old' }, true])
    assert.deepEqual(vault.secrets(SHOP).get('token'), both)
    assert.deepEqual(told, [SHOP])
    const [, info] = vault.list(SHOP)
    assert.deepEqual([info!.staged, info!.previousUntil], [undefined, clock.now() + HOUR_MS])

    clock.advance(HOUR_MS - 1)
    assert.deepEqual(vault.secrets(SHOP).get('token'), both)
    clock.advance(1)
    assert.deepEqual(vault.secrets(SHOP).get('token'), { value: 'new' })
    assert.equal(told.length > 1, true)
    // Durable, too: the change takes its turn after the one that forgets.
    await vault.set(SHOP, 'app-id', 'id-2')
    clock.setWall(clock.now() - 10 * HOUR_MS)
    assert.deepEqual((await open()).secrets(SHOP).get('token'), { value: 'new' })
  })

  test('changes nothing when the test fails, or when the process ends before it has', async () => {
    const { open } = vaultBench()
    const vault = await open()
    await vault.set(SHOP, 'token', 'old')
    const refused = vault.rotate(SHOP, 'token', 'new', {
      keepMs: HOUR_MS,
      test: async () => Promise.reject(new Error('no')),
    })
    await assert.rejects(refused, /^Error: no$/)
    const open2 = async () => assert.deepEqual((await open()).secrets(SHOP).get('token'), { value: 'old' })
    await vault.rotate(SHOP, 'token', 'old', { keepMs: HOUR_MS, test: open2 })
    await vault.rotate(SHOP, 'token', 'new', { keepMs: 0, test: open2 })
    assert.deepEqual(vault.secrets(SHOP).get('token'), { value: 'new' })
    assert.equal(vault.list()[0]!.staged, undefined)
  })

  test('needs one to replace, and ends when that is removed', async () => {
    const { open } = vaultBench()
    const vault = await open()
    const missing = fails('KEFU_CREDENTIAL_NOT_FOUND')
    await assert.rejects(vault.rotate(SHOP, 'token', 'new', { keepMs: 0, test: works }), missing)
    await vault.set(SHOP, 'token', 'old')
    const removed = async () => {
      await vault.remove(SHOP, 'token')
      await vault.set(SHOP, 'token', 'another')
    }
    await assert.rejects(vault.rotate(SHOP, 'token', 'new', { keepMs: 0, test: removed }), missing)
    assert.deepEqual(vault.secrets(SHOP).get('token'), { value: 'another' })
  })

  test('lets the old one count over a restart for what is left, and never longer than it was given', async () => {
    const { open, clock } = vaultBench()
    const first = await open()
    await first.set(SHOP, 'token', 'old')
    await first.rotate(SHOP, 'token', 'new', { keepMs: HOUR_MS, test: works })
    first.close()
    clock.advance(HOUR_MS / 2)
    const second = await open()
    assert.equal(second.secrets(SHOP).get('token')?.previous, 'old')
    second.close()
    // The wall clock went back by days meanwhile.
    clock.setWall(clock.now() - 100 * HOUR_MS)
    const third = await open()
    clock.advance(HOUR_MS - 1)
    assert.equal(third.secrets(SHOP).get('token')?.previous, 'old')
    clock.advance(1)
    assert.equal(third.secrets(SHOP).get('token')?.previous, undefined)
    third.close()
  })

  test('forgets what ran out while it was not running, also on the disk', async () => {
    const { open, clock } = vaultBench()
    const first = await open()
    await first.set(SHOP, 'token', 'old')
    await first.rotate(SHOP, 'token', 'new', { keepMs: HOUR_MS, test: works })
    first.close()
    clock.advance(2 * HOUR_MS)
    const second = await open()
    assert.deepEqual(second.secrets(SHOP).get('token'), { value: 'new' })
    clock.setWall(clock.now() - 2 * HOUR_MS)
    assert.deepEqual((await open()).secrets(SHOP).get('token'), { value: 'new' })
  })

  test('a month is longer than a timer, and a store that refuses the forgetting is not asked again at once', async () => {
    const { open, clock, directory, reported } = vaultBench()
    const first = await open()
    await first.set(SHOP, 'token', 'old')
    const keepMs = 30 * 24 * HOUR_MS
    await first.rotate(SHOP, 'token', 'new', { keepMs, test: works })
    first.close()
    const faulty = faultyDirectory(directory, 0, 'refused')
    const vault = await open(faulty)
    clock.advance(keepMs - 1)
    assert.equal(vault.secrets(SHOP).get('token')?.previous, 'old')
    clock.advance(1)
    assert.equal(vault.secrets(SHOP).get('token')?.previous, undefined)
    await assert.rejects(vault.set(SHOP, 'x', 'y'), fails('KEFU_STORE_UNAVAILABLE'))
    clock.advance(HOUR_MS)
    assert.ok(faulty.writes < 6, `${faulty.writes} writes`)
    assert.ok(reported.every(error => isKefuError(error, 'KEFU_STORE_UNAVAILABLE')) && reported.length > 0)
    faulty.heal()
    await vault.set(SHOP, 'x', 'y')
    clock.advance(HOUR_MS)
    await vault.set(SHOP, 'x', 'z')
    clock.setWall(clock.now() - keepMs)
    assert.deepEqual((await open()).secrets(SHOP).get('token'), { value: 'new' })
  })
})
