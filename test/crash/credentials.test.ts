import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Credential } from '../../src/daemon/core/vault.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createMasterKeys } from '../../src/daemon/vault/master-keys.js'
import { Vault } from '../../src/daemon/vault/vault.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { createSystemClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const COUNT = 24
const KILLS = 4
const SHOP = 'channel/1'

type List = { readonly credentials: readonly { readonly name: string; readonly problem?: string }[] }

test('credentials survive kill -9 in the middle of rekeying and rotating', async t => {
  const home = tmpDir(t)
  const random = new Random(20_261_123)
  const config = 'http:\n  port: 0\n'
  let daemon = await DaemonProcess.start({ home, config })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'shop', origins: [] })
  for (let i = 0; i < COUNT; i++)
    await daemon.control('credential.set', { owner: 'shop', name: `n${i}`, value: `value-${i}` })
  await daemon.control('credential.set', { owner: 'shop', name: 'token', value: 'token-0' })
  let asked = 0
  let answered = 0
  let rekeyed = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const rekey = async (): Promise<void> => {
      await daemon.control('credential.rekey')
      rekeyed++
    }
    const rotate = async (): Promise<void> => {
      const at = ++asked
      await daemon.control('credential.rotate', { owner: 'shop', name: 'token', value: `token-${at}`, keepMs: 60_000 })
      answered = at
    }
    // Each goes through once, on however slow a machine; the kill meets a later one.
    await Promise.all([rekey(), rotate()])
    let isKilled = false
    const until = async (step: () => Promise<void>): Promise<void> => {
      while (!isKilled) await step().catch(error => assert.ok(isKilled, String(error)))
    }
    const under = [until(rekey), until(rotate)]
    await delay(random.integer(0, 150))
    isKilled = true
    await daemon.kill()
    await Promise.all(under)

    // Half of the times the daemon goes on by itself first.
    if (kill % 2 === 0) await offline(home, secrets => assertWhole(secrets, answered, asked))
    daemon = await DaemonProcess.start({ home, config })
    const { credentials } = await daemon.control<List>('credential.list')
    assert.deepEqual(
      credentials.filter(({ problem }) => problem !== undefined),
      [],
    )
    assert.equal(credentials.length, COUNT + 1)
    assert.deepEqual(
      readdirSync(home).filter(name => name.startsWith('master.key')),
      ['master.key'],
    )
  }
  await daemon.stop()
  await offline(home, secrets => assertWhole(secrets, answered, asked))
  assert.ok(rekeyed >= KILLS && answered >= KILLS, `${rekeyed} rekeyed, ${answered} rotated`)
})

function assertWhole(secrets: ReadonlyMap<string, Credential>, answered: number, asked: number): void {
  for (let i = 0; i < COUNT; i++) assert.deepEqual(secrets.get(`n${i}`), { value: `value-${i}` })
  const at = Number(secrets.get('token')?.value.replace('token-', ''))
  assert.ok(at >= answered && at <= asked, `${at}, answered ${answered}, asked ${asked}`)
}

/** Looks into the vault of a daemon that is not running. */
async function offline(home: string, look: (secrets: ReadonlyMap<string, Credential>) => void): Promise<void> {
  const clock = createSystemClock()
  const store = await openLevelStore({ path: join(home, 'store'), clock })
  const bytes = (length: number): Uint8Array => randomBytes(length)
  const places = { kind: 'file', keyFile: join(home, 'master.key') } as const
  const none = { credentialsDir: undefined, passphraseFile: undefined, askPassphrase: undefined }
  const report = (error: unknown): never => {
    throw error
  }
  try {
    const keys = createMasterKeys({ ...places, ...none }, bytes)
    const vault = await Vault.open({ directory: store.directory, clock, random: bytes, keys, report })
    assert.deepEqual(vault.unreadable(), [])
    look(vault.secrets(SHOP))
    vault.close()
  } finally {
    await store.close()
  }
}
