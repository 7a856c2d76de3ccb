import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Dirs, type DirsInput, resolveDirs } from '../../../src/daemon/config/dirs.js'
import { connectionLimit, openFileLimit, RESERVED_FILES } from '../../../src/daemon/config/file-limit.js'
import { ensureFolder, ensureRuntimeFolder } from '../../../src/daemon/config/folders.js'
import type { Setting } from '../../../src/daemon/config/load.js'
import { isKefuError } from '../../../src/errors.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

function dirs(input: Partial<DirsInput> = {}): Dirs {
  return resolveDirs({ environment: {}, userHome: '/home/li', temporaryDir: '/tmp', uid: 1000, ...input })
}

test('with a home everything is below it', () => {
  for (const given of [dirs({ home: '/srv/kefu' }), dirs({ environment: { KEFU_HOME: '/srv/kefu' } })]) {
    assert.equal(given.home, '/srv/kefu')
    assert.equal(given.configFile, '/srv/kefu/kefu.yaml')
    assert.equal(given.storeDir, '/srv/kefu/store')
    assert.equal(given.mediaDir, '/srv/kefu/media')
    assert.equal(given.logFile, '/srv/kefu/logs/daemon.log')
    assert.equal(given.socketPath, '/srv/kefu/run/kefu.sock')
    assert.equal(given.socketRecord, undefined)
  }
})

test('the master key is beside the data, or where a variable says, but for a home of its own', () => {
  const environment = { KEFU_HOME: '/srv/kefu', KEFU_KEY_FILE: '/etc/kefu/key' }
  assert.equal(dirs().masterKeyFile, '/home/li/.local/share/kefu/master.key')
  assert.equal(dirs({ environment }).masterKeyFile, '/etc/kefu/key')
  assert.equal(dirs({ environment, home: '/srv/other' }).masterKeyFile, '/srv/other/master.key')
})

test('a user has XDG folders', () => {
  const plain = dirs()
  assert.equal(plain.configFile, '/home/li/.config/kefu/kefu.yaml')
  assert.equal(plain.storeDir, '/home/li/.local/share/kefu/store')
  assert.equal(plain.logFile, '/home/li/.local/state/kefu/logs/daemon.log')
  assert.equal(plain.socketPath, '/home/li/.local/state/kefu/run/kefu.sock')
  const environment = {
    XDG_CONFIG_HOME: '/x/c',
    XDG_DATA_HOME: '/x/d',
    XDG_STATE_HOME: 'relative',
    XDG_RUNTIME_DIR: '/run/user/1000',
  }
  const given = dirs({ environment })
  assert.equal(given.configFile, '/x/c/kefu/kefu.yaml')
  assert.equal(given.storeDir, '/x/d/kefu/store')
  assert.equal(given.stateDir, '/home/li/.local/state/kefu')
  assert.equal(given.socketPath, '/run/user/1000/kefu/kefu.sock')
})

test('root has the folders of the system; systemd may name others', () => {
  const root = dirs({ uid: 0 })
  assert.equal(root.configFile, '/etc/kefu/kefu.yaml')
  assert.equal(root.storeDir, '/var/lib/kefu/store')
  assert.equal(root.logDir, '/var/log/kefu')
  assert.equal(root.socketPath, '/run/kefu/kefu.sock')
  const environment = {
    STATE_DIRECTORY: '/var/lib/other:/var/lib/second',
    RUNTIME_DIRECTORY: '/run/other',
    LOGS_DIRECTORY: '/var/log/other',
    CONFIGURATION_DIRECTORY: '/etc/other',
  }
  const service = dirs({ uid: 998, environment })
  assert.equal(service.storeDir, '/var/lib/other/store')
  assert.equal(service.logDir, '/var/log/other')
  assert.equal(service.socketPath, '/run/other/kefu.sock')
  assert.equal(service.configFile, '/etc/other/kefu.yaml')
})

test('single folders can be moved, and a home as a flag is stronger than that', () => {
  const environment = {
    KEFU_HOME: '/srv/kefu',
    KEFU_DATA_DIR: '/big/data',
    KEFU_RUNTIME_DIR: '/run/k',
    KEFU_CONFIG: '/etc/k.yaml',
  }
  const given = dirs({ environment })
  assert.equal(given.storeDir, '/big/data/store')
  assert.equal(given.socketPath, '/run/k/kefu.sock')
  assert.equal(given.configFile, '/etc/k.yaml')
  assert.equal(given.logDir, '/srv/kefu/logs')
  const flagged = dirs({ home: '/other', environment })
  assert.equal(flagged.storeDir, '/other/store')
  assert.equal(flagged.socketPath, '/other/run/kefu.sock')
  assert.equal(dirs({ socket: '/a/b.sock', environment }).runtimeDir, '/a')
})

test('a socket path that would be too long moves to the temporary folder, the same every time', t => {
  const home = `/srv/${'a-long-name/'.repeat(9)}kefu`
  const first = dirs({ home })
  assert.match(first.socketPath, /^\/tmp\/kefu-1000\/[0-9a-f]{16}\.sock$/)
  assert.equal(first.socketRecord, `${home}/control.path`)
  assert.equal(dirs({ home }).socketPath, first.socketPath)
  assert.notEqual(dirs({ home: `${home}2` }).socketPath, first.socketPath)

  // A client with another temporary folder follows the record.
  const real = join(tmpDir(t), 'x'.repeat(100))
  mkdirSync(real)
  writeFileSync(join(real, 'control.path'), '/elsewhere/k.sock\n')
  assert.equal(dirs({ home: real }).socketPath, '/elsewhere/k.sock')
  writeFileSync(join(real, 'control.path'), `/${'y'.repeat(101)}\n`)
  assert.match(dirs({ home: real }).socketPath, /^\/tmp\/kefu-1000\//)

  assert.throws(
    () => dirs({ socket: `/${'s'.repeat(101)}` }),
    error => isKefuError(error, 'KEFU_USAGE'),
  )
})

test('folders are made for their owner alone', async t => {
  const path = join(tmpDir(t), 'a', 'b')
  await ensureFolder(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  writeFileSync(join(path, 'file'), '')
  await assert.rejects(ensureFolder(join(path, 'file', 'c')), error => isKefuError(error, 'KEFU_STORE_UNWRITABLE'))
})

test('the folder of the control socket is refused when others could put a socket there', async t => {
  const path = join(tmpDir(t), 'run')
  await ensureRuntimeFolder(path)
  await ensureRuntimeFolder(path)
  for (const mode of [0o770, 0o777, 0o702, 0o1777]) {
    chmodSync(path, mode)
    await assert.rejects(
      ensureRuntimeFolder(path),
      error => isKefuError(error, 'KEFU_CONTROL_DIRECTORY'),
      mode.toString(8),
    )
  }
  chmodSync(path, 0o750)
  await ensureRuntimeFolder(path)
  const link = join(tmpDir(t), 'link')
  symlinkSync(path, link)
  await assert.rejects(ensureRuntimeFolder(link), error => isKefuError(error, 'KEFU_CONTROL_DIRECTORY'))
})

test('a folder of another user is refused', {
  skip: process.getuid?.() === 0 ? false : 'needs root to give a folder away',
}, async t => {
  const { chownSync } = await import('node:fs')
  const path = join(tmpDir(t), 'run')
  await ensureRuntimeFolder(path)
  chownSync(path, 65_534, 65_534)
  await assert.rejects(ensureRuntimeFolder(path), /belongs to user 65534/)
})

test('sockets are bounded by the open-file limit', () => {
  const setting = (value: number, kind: 'default' | 'file'): Setting => ({
    key: 'limits.connections',
    value,
    text: String(value),
    origin: { kind, where: kind },
  })
  assert.equal(connectionLimit(setting(100_000, 'default'), undefined), 100_000)
  assert.equal(connectionLimit(setting(100_000, 'default'), 1_000_000), 100_000)
  assert.equal(connectionLimit(setting(100_000, 'default'), 4_096), 4_096 - RESERVED_FILES)
  assert.equal(connectionLimit(setting(1_000, 'file'), 4_096), 1_000)
  for (const [given, limit] of [
    [setting(100_000, 'file'), 4_096],
    [setting(100_000, 'default'), 256],
  ] as const)
    assert.throws(
      () => connectionLimit(given, limit),
      error => isKefuError(error, 'KEFU_LIMIT_FILES'),
    )
  const limit = openFileLimit()
  if (process.platform === 'linux') assert.ok(limit === undefined || limit > 0)
})
