import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createMasterKeys, type MasterKeyPlaces } from '../../../src/daemon/vault/master-keys.js'
import { keyOfPassphrase } from '../../../src/daemon/vault/passphrase.js'
import { type ErrorCode, isKefuError, KefuError } from '../../../src/errors.js'
import { quickKeyOf } from '../../helpers/key-in-memory.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

const random = (length: number) => randomBytes(length)
/** Made with node's scrypt and HKDF: N 2^17, r 8, p 1. */
const SCRYPT_ID = '22e61a361df27116'
const fails = (code: ErrorCode) => (error: unknown) => isKefuError(error, code)

function rig(t: TestContext, change: Partial<MasterKeyPlaces> = {}) {
  const folder = tmpDir(t)
  const keyFile = join(folder, 'master.key')
  const places = { kind: 'file', keyFile, credentialsDir: undefined, passphraseFile: undefined } as const
  return {
    folder,
    keyFile,
    keys: createMasterKeys({ ...places, askPassphrase: undefined, ...change }, random, quickKeyOf),
  }
}

describe('a key file', () => {
  test('is made when it is first needed, for its owner alone, and never over another', async t => {
    const { folder, keyFile, keys } = rig(t)
    const before = process.umask(0)
    t.after(() => process.umask(before))
    assert.equal(await keys.open(undefined, 0), undefined)
    assert.deepEqual(readdirSync(folder), [])
    const made = await keys.make()
    assert.equal(statSync(keyFile).mode & 0o777, 0o600)
    assert.equal(readFileSync(keyFile).length, 32)
    assert.equal((await keys.make()).key.id, made.key.id)
    assert.equal((await keys.open(undefined, 3))?.key.id, made.key.id)
  })

  test('that may be the next one is kept while the store does not say which it is and something is sealed', async t => {
    const { keyFile, keys } = rig(t)
    const present = await keys.make()
    const next = await keys.next({ kind: 'file' })
    assert.equal((await keys.open(undefined, 1))?.key.id, present.key.id)
    assert.equal((await keys.open({ id: next.key.id, kind: 'file' }, 1))?.key.id, next.key.id)
    await keys.next({ kind: 'file' })
    assert.equal((await keys.open(undefined, 0))?.key.id, next.key.id)
    assert.equal(existsSync(`${keyFile}.next`), false)
  })

  test('in a folder that is not there is none, and cannot be made', async t => {
    const { folder } = rig(t)
    const { keys } = rig(t, { keyFile: join(folder, 'none', 'master.key') })
    assert.equal(await keys.open(undefined, 0), undefined)
    await assert.rejects(keys.make(), fails('KEFU_STORE_UNWRITABLE'))
    await assert.rejects(keys.open(undefined, 1), fails('KEFU_VAULT_KEY_MISSING'))
  })

  test('that is missing beside credentials is said, and not made anew', async t => {
    const { folder, keyFile, keys } = rig(t)
    const { key } = await keys.make()
    unlinkSync(keyFile)
    await assert.rejects(keys.open({ id: key.id, kind: 'file' }, 2), error => {
      assert.ok(isKefuError(error, 'KEFU_VAULT_KEY_MISSING'))
      assert.match(error.message, /master\.key, and 2 of the store's credentials/)
      assert.match(error.hint, /backup/)
      return true
    })
    assert.deepEqual(readdirSync(folder), [])
    // When nothing is sealed any more, another one can be made.
    assert.equal(await keys.open({ id: key.id, kind: 'file' }, 0), undefined)
  })

  test('that others could have read, or chosen, is refused', async t => {
    const { folder, keyFile, keys } = rig(t)
    await keys.make()
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(keyFile, mode)
      await assert.rejects(keys.open(undefined, 1), fails('KEFU_VAULT_KEY_UNSAFE'))
    }
    chmodSync(keyFile, 0o600)
    truncateSync(keyFile, 31)
    await assert.rejects(keys.open(undefined, 1), fails('KEFU_VAULT_KEY_UNSAFE'))
    unlinkSync(keyFile)
    writeFileSync(join(folder, 'elsewhere'), randomBytes(32), { mode: 0o600 })
    symlinkSync(join(folder, 'elsewhere'), keyFile)
    await assert.rejects(keys.open(undefined, 1), fails('KEFU_VAULT_KEY_UNSAFE'))
  })

  test('with another key is taken: whoever has lost the first one begins anew', async t => {
    const { keyFile, keys } = rig(t)
    const first = await keys.make()
    writeFileSync(keyFile, randomBytes(32))
    const other = await keys.open({ id: first.key.id, kind: 'file' }, 1)
    assert.notEqual(other?.key.id, first.key.id)
  })
})

describe("systemd's credential", () => {
  test('is the key, and must be there, and must be the one', async t => {
    const credentialsDir = tmpDir(t)
    await assert.rejects(rig(t, { kind: 'systemd' }).keys.open(undefined, 0), fails('KEFU_VAULT_KEY_MISSING'))
    const { keys } = rig(t, { kind: 'systemd', credentialsDir })
    await assert.rejects(keys.open(undefined, 0), fails('KEFU_VAULT_KEY_MISSING'))
    const path = join(credentialsDir, 'kefu-vault-key')
    writeFileSync(path, randomBytes(32), { mode: 0o440 })
    const opened = await keys.open(undefined, 0)
    assert.equal(opened?.kind, 'systemd')
    await assert.rejects(keys.open({ id: '0'.repeat(16), kind: 'systemd' }, 1), fails('KEFU_VAULT_KEY_WRONG'))
    await assert.rejects(keys.open({ id: '0'.repeat(16), kind: 'file' }, 1), fails('KEFU_VAULT_KEY_WRONG'))
    assert.equal((await keys.open({ id: '0'.repeat(16), kind: 'file' }, 0))?.key.id, opened?.key.id)
    chmodSync(path, 0o444)
    await assert.rejects(keys.open(undefined, 0), fails('KEFU_VAULT_KEY_UNSAFE'))
  })
})

describe('a passphrase', () => {
  test('costs whoever guesses it time and memory, and is the same key ever after', async () => {
    const key = await keyOfPassphrase('correct horse', Buffer.alloc(16, 1))
    assert.equal(key.id, SCRYPT_ID)
  })

  test('makes the same key with its salt, in any spelling, and a wrong one is said at once', async t => {
    let typed = 'pässphrase'
    const asked: boolean[] = []
    const askPassphrase = async (isNew: boolean) => {
      asked.push(isNew)
      return typed
    }
    const { keys } = rig(t, { kind: 'passphrase', askPassphrase })
    const made = await keys.open(undefined, 0)
    assert.equal(made?.salt?.length, 16)
    const facts = { id: made.key.id, kind: 'passphrase', salt: made.salt } as const
    typed = 'pa\u0308ssphrase'
    assert.equal((await keys.open(facts, 1))?.key.id, made.key.id)
    assert.deepEqual(asked, [true, false])
    typed = 'passphrase'
    await assert.rejects(keys.open(facts, 1), fails('KEFU_VAULT_PASSPHRASE_WRONG'))
    await assert.rejects(keys.open({ id: made.key.id, kind: 'file' }, 1), fails('KEFU_VAULT_KEY_WRONG'))
    await assert.rejects(keys.open(undefined, 1), fails('KEFU_VAULT_KEY_WRONG'))
    const other = await keys.next({ kind: 'passphrase', passphrase: 'passphrase' })
    assert.notDeepEqual(other.salt, made.salt)
  })

  test('comes from its file, from systemd, or from a person, and else it is said that it is missing', async t => {
    const folder = tmpDir(t)
    const passphraseFile = join(folder, 'passphrase')
    const idOf = async (change: Partial<MasterKeyPlaces>, salt: Uint8Array) => {
      const { keys } = rig(t, { kind: 'passphrase', ...change })
      const facts = { id: 'x', kind: 'passphrase', salt } as const
      return keys.open(facts, 1).catch(error => (error instanceof KefuError ? error.code : String(error)))
    }
    const salt = randomBytes(16)
    assert.equal(await idOf({}, salt), 'KEFU_VAULT_PASSPHRASE_NEEDED')
    assert.equal(await idOf({ passphraseFile }, salt), 'KEFU_VAULT_PASSPHRASE_NEEDED')
    writeFileSync(passphraseFile, 'from the file\n', { mode: 0o644 })
    assert.equal(await idOf({ passphraseFile }, salt), 'KEFU_VAULT_KEY_UNSAFE')
    chmodSync(passphraseFile, 0o600)
    assert.equal(await idOf({ passphraseFile }, salt), 'KEFU_VAULT_PASSPHRASE_WRONG')
    writeFileSync(passphraseFile, 'short\n')
    assert.equal(await idOf({ passphraseFile }, salt), 'KEFU_USAGE')
    writeFileSync(join(folder, 'kefu-vault-passphrase'), 'from systemd', { mode: 0o440 })
    assert.equal(await idOf({ credentialsDir: folder }, salt), 'KEFU_VAULT_PASSPHRASE_WRONG')
  })
})
