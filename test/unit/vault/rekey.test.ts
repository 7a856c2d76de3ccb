import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { MasterKeyKind } from '../../../src/daemon/core/vault.js'
import { createMasterKeys, type MasterKeyPlaces, type MasterKeys } from '../../../src/daemon/vault/master-keys.js'
import type { Vault } from '../../../src/daemon/vault/vault.js'
import { isKefuError } from '../../../src/errors.js'
import { quickKeyOf } from '../../helpers/key-in-memory.js'
import { tmpDir } from '../../helpers/tmp-dir.js'
import { faultyDirectory, vaultBench } from '../../helpers/vault-bench.js'

const SHOP = 'channel/1'
const NAMES = ['a', 'b', 'c']
const PASSPHRASE = 'correct horse battery'

/** Three credentials under a key file, one of them with an older value, and what is on the disk. */
async function rig(t: TestContext) {
  const folder = tmpDir(t)
  const bench = vaultBench()
  const keys = (kind: MasterKeyKind = 'file', change: Partial<MasterKeyPlaces> = {}): MasterKeys =>
    createMasterKeys(
      {
        kind,
        keyFile: join(folder, 'master.key'),
        credentialsDir: undefined,
        passphraseFile: undefined,
        askPassphrase: async () => PASSPHRASE,
        ...change,
      },
      bench.random,
      quickKeyOf,
    )
  const vault = await bench.open(bench.directory, keys())
  for (const name of NAMES) await vault.set(SHOP, name, `value-${name}`)
  await vault.rotate(SHOP, 'a', 'value-a2', { keepMs: 3_600_000, test: async () => undefined })
  vault.close()
  const ids = async () => {
    const entries = await bench.directory.list('')
    const field = (name: string) => (entry: { readonly value: unknown }) =>
      (entry.value as Record<string, string>)[name]
    const sealed = new Set(entries.filter(({ key }) => key.startsWith('credential/')).map(field('key')))
    const [stored] = entries.filter(({ key }) => key === 'vault/key')
    return { sealed: [...sealed], stored: stored === undefined ? undefined : field('id')(stored), entry: stored?.value }
  }
  return { ...bench, folder, keys, ids }
}

function assertWhole(vault: Vault): void {
  assert.deepEqual(vault.unreadable(), [])
  assert.deepEqual(Object.fromEntries(vault.secrets(SHOP)), {
    a: { value: 'value-a2', previous: 'value-a' },
    b: { value: 'value-b' },
    c: { value: 'value-c' },
  })
}

describe('rekeying', () => {
  test('seals everything under the next key, and keeps nothing of the one before', async t => {
    const { folder, open, directory, keys, ids } = await rig(t)
    const before = await ids()
    const file = readFileSync(join(folder, 'master.key'))
    const vault = await open(directory, keys())
    assert.deepEqual(await vault.rekey({ kind: 'file' }), { sealed: 3 })
    const after = await ids()
    assert.equal(after.sealed.length, 1)
    assert.deepEqual(after.sealed, [after.stored])
    assert.notEqual(after.stored, before.stored)
    assert.deepEqual(Object.keys(after.entry as object).sort(), ['id', 'kind', 'v'])
    assert.notDeepEqual(readFileSync(join(folder, 'master.key')), file)
    assert.deepEqual(readdirSync(folder), ['master.key'])
    assertWhole(vault)
    assertWhole(await open(directory, keys()))
    assert.deepEqual(await vault.rekey({ kind: 'file' }), { sealed: 3 })
  })

  test('a crash at any write of the store loses nothing, and the next start ends what was begun', async t => {
    let last = 0
    for (const fault of ['refused', 'done'] as const)
      for (let at = 0; ; at++) {
        const { folder, open, directory, keys, ids } = await rig(t)
        const faulty = faultyDirectory(directory, at, fault)
        const vault = await open(faulty, keys())
        const isDone = await vault.rekey({ kind: 'file' }).then(
          () => true,
          error => assert.ok(isKefuError(error, 'KEFU_STORE_UNAVAILABLE')),
        )
        // What it has in memory is whole, as far as it has got.
        assertWhole(vault)
        vault.close()
        assertWhole(await open(directory, keys()))
        const { sealed, stored } = await ids()
        assert.deepEqual(sealed, [stored], `${fault} ${at}`)
        assert.deepEqual(readdirSync(folder), ['master.key'])
        if (isDone === true) break
        last = at
      }
    // The key's entry twice, and each credential.
    assert.equal(last, 4)
  })

  test('a vault whose store failed in the middle goes on by itself when it writes again', async t => {
    for (const fault of ['refused', 'done'] as const)
      for (let at = 0; at <= 4; at++) {
        const { folder, open, directory, keys, ids } = await rig(t)
        const faulty = faultyDirectory(directory, at, fault)
        const vault = await open(faulty, keys())
        await assert.rejects(vault.rekey({ kind: 'file' }))
        faulty.heal()
        await vault.set('channel/2', 'token', 'x')
        assertWhole(vault)
        assertWhole(await open(directory, keys()))
        await vault.rekey({ kind: 'file' })
        assertWhole(await open(directory, keys()))
        assert.deepEqual((await ids()).sealed, [(await ids()).stored], `${fault} ${at}`)
        assert.deepEqual(readdirSync(folder), ['master.key'])
      }
  })

  test('a crash before the next key file has its name loses nothing', async t => {
    const { folder, open, directory, keys } = await rig(t)
    const crashing: MasterKeys = {
      ...keys(),
      next: async source => ({ ...(await keys().next(source)), settle: () => Promise.reject(new Error('crashed')) }),
    }
    const vault = await open(directory, crashing)
    await assert.rejects(vault.rekey({ kind: 'file' }), /crashed/)
    assert.deepEqual(readdirSync(folder).sort(), ['master.key', 'master.key.next'])
    // Another one must not take the place of the file that is needed.
    await assert.rejects(vault.rekey({ kind: 'file' }), /crashed/)
    assertWhole(vault)
    assertWhole(await open(directory, keys()))
    assert.deepEqual(readdirSync(folder), ['master.key'])
  })

  test('a next key file that never took effect is removed, and what was left of making one', async t => {
    const { folder, open, directory, keys } = await rig(t)
    for (const name of ['.next', '.next.0123456789abcdef.new', '.0123456789abcdef.new'])
      writeFileSync(join(folder, `master.key${name}`), Buffer.alloc(32, 7), { mode: 0o600 })
    assertWhole(await open(directory, keys()))
    assert.deepEqual(readdirSync(folder), ['master.key'])
  })

  test('from a file to a passphrase and to systemd and back, each time with all of it', async t => {
    const { folder, open, directory, keys, ids } = await rig(t)
    const fileVault = await open(directory, keys())
    await fileVault.rekey({ kind: 'passphrase', passphrase: PASSPHRASE })
    assert.equal(existsSync(join(folder, 'master.key')), false)
    const wrongKind = (error: unknown) => isKefuError(error, 'KEFU_VAULT_KEY_WRONG')
    await assert.rejects(open(directory, keys()), wrongKind)

    const passphraseVault = await open(directory, keys('passphrase'))
    assertWhole(passphraseVault)
    const credentialsDir = tmpDir(t)
    // As systemd gives it to a user: by an access list, whose mask shows as the group's mode.
    writeFileSync(join(credentialsDir, 'kefu-vault-key'), Buffer.alloc(32, 9), { mode: 0o440 })
    await assert.rejects(passphraseVault.rekey({ kind: 'systemd' }), error =>
      isKefuError(error, 'KEFU_VAULT_KEY_MISSING'),
    )
    const both = await open(directory, keys('passphrase', { credentialsDir }))
    await both.rekey({ kind: 'systemd' })
    await assert.rejects(both.rekey({ kind: 'systemd' }), error => isKefuError(error, 'KEFU_USAGE'))
    const systemdVault = await open(directory, keys('systemd', { credentialsDir }))
    assertWhole(systemdVault)
    assert.deepEqual(systemdVault.key, { kind: 'systemd', id: (await ids()).stored })
    writeFileSync(join(credentialsDir, 'other'), '')
    await systemdVault.rekey({ kind: 'file' })
    assertWhole(await open(directory, keys()))
  })

  test('the key that was replaced in the middle of a rekey is refused, not begun anew with', async t => {
    const { folder, open, directory, keys } = await rig(t)
    const old = readFileSync(join(folder, 'master.key'))
    const faulty = faultyDirectory(directory, 2, 'refused')
    const vault = await open(faulty, keys())
    await assert.rejects(vault.rekey({ kind: 'passphrase', passphrase: PASSPHRASE }))
    writeFileSync(join(folder, 'master.key'), old, { mode: 0o600 })
    await assert.rejects(open(directory, keys()), error => isKefuError(error, 'KEFU_VAULT_KEY_WRONG'))
    assertWhole(await open(directory, keys('passphrase')))
  })

  test('with nothing sealed yet it only makes another key', async t => {
    const folder = tmpDir(t)
    const bench = vaultBench()
    const places = { kind: 'file', keyFile: join(folder, 'master.key') } as const
    const none = { credentialsDir: undefined, passphraseFile: undefined, askPassphrase: undefined }
    const vault = await bench.open(bench.directory, createMasterKeys({ ...places, ...none }, bench.random))
    assert.equal(vault.key, undefined)
    assert.deepEqual(readdirSync(folder), [])
    assert.deepEqual(await vault.rekey({ kind: 'file' }), { sealed: 0 })
    assert.deepEqual(readdirSync(folder), ['master.key'])
    await vault.set(SHOP, 'a', 'x')
    assert.equal(
      (await bench.open(bench.directory, createMasterKeys({ ...places, ...none }, bench.random))).list().length,
      1,
    )
  })
})
