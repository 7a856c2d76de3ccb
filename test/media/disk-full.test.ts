import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isKefuError } from '../../src/errors.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { collect, conversation, isKept, openStore, sample } from './samples.js'

const put = { conversation: conversation(1), uploader: 'v_A', declaredType: undefined }

test('a full disk refuses uploads, keeps nothing of them, and serves on', async context => {
  const folder = makeTmpDir()
  let isMounted = false
  context.after(() => {
    if (isMounted) execFileSync('umount', ['-l', path])
    removeDir(folder)
  })
  const path = join(folder, 'disk')
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'kefu-test', path], { stdio: 'pipe' })
  } catch {
    context.skip('a small disk can only be mounted by root')
    return
  }
  isMounted = true

  const root = join(path, 'media')
  const { store } = await openStore(root)
  const bytes = sample('png', 500_000)
  const kept = await store.put({ ...put, bytes })
  const isFull = (error: unknown) => isKefuError(error, 'KEFU_STORE_FULL')
  await assert.rejects(store.put({ ...put, bytes: sample('bin', 1_900_000) }), isFull)
  assert.deepEqual(readdirSync(join(root, 'incoming')), [])
  assert.deepEqual(readdirSync(join(root, put.conversation)), [kept.media])
  assert.deepEqual(readdirSync(join(root, 'pending')), [`${put.conversation}.${kept.media}`])
  const file = await store.open(put.conversation, kept.media)
  assert.ok((await collect(await file.read({ type: 'whole' }))).equals(bytes))

  const ballast = join(path, 'ballast')
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(4_000_000)), /ENOSPC/)
  await assert.rejects(store.put({ ...put, conversation: conversation(2), bytes: sample('bin', 5000) }), isFull)
  rmSync(ballast)
  const later = await store.put({ ...put, conversation: conversation(2), bytes: sample('bin', 5000) })
  assert.ok(await isKept(store, conversation(2), later.media), 'it goes on by itself when there is room')
  await store.close()
})
