import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { loadServerSecret } from '../../../src/daemon/vault/server-secret.js'
import { isKefuError } from '../../../src/errors.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

const run = promisify(execFile)
const isUnsafe = (error: unknown) => isKefuError(error, 'KEFU_SECRET_UNSAFE')

describe('the server secret', () => {
  test('is made once, for its owner alone, and stays', async context => {
    const folder = tmpDir(context)
    const path = join(folder, 'server.secret')
    const before = process.umask(0)
    context.after(() => process.umask(before))
    const made = await loadServerSecret(path)
    assert.equal(made.length, 32)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder), ['server.secret'])
    assert.deepEqual(await loadServerSecret(path), made)
    assert.notDeepEqual(await loadServerSecret(join(folder, 'other')), made)
  })

  test('is not made anew when something depends on the one that is missing', async context => {
    const folder = tmpDir(context)
    const path = join(folder, 'server.secret')
    await assert.rejects(loadServerSecret(path, true), isUnsafe)
    assert.deepEqual(readdirSync(folder), [])
    const made = await loadServerSecret(path)
    assert.deepEqual(await loadServerSecret(path, true), made)
  })

  test('is one when several make it at the same time', async context => {
    const path = join(tmpDir(context), 'server.secret')
    const made = await Promise.all(Array.from({ length: 20 }, () => loadServerSecret(path)))
    for (const secret of made) assert.deepEqual(secret, made[0])
  })

  test('is one when several processes make it at the same time', async context => {
    const folder = tmpDir(context)
    const script = `import { loadServerSecret } from '${new URL('../../../src/daemon/vault/server-secret.js', import.meta.url)}'
      console.log(Buffer.from(await loadServerSecret(process.argv[1])).toString('hex'))`
    const args = ['--input-type=module', '-e', script, join(folder, 'server.secret')]
    const outputs = await Promise.all([1, 2, 3].map(() => run(process.execPath, args)))
    assert.equal(new Set(outputs.map(({ stdout }) => stdout)).size, 1)
    assert.match(outputs[0]!.stdout, /^[0-9a-f]{64}\n$/)
    assert.deepEqual(readdirSync(folder), ['server.secret'])
  })

  test('is refused when others may open it', async context => {
    const path = join(tmpDir(context), 'server.secret')
    await loadServerSecret(path)
    for (const mode of [0o640, 0o604, 0o660, 0o601, 0o644]) {
      chmodSync(path, mode)
      await assert.rejects(loadServerSecret(path), isUnsafe, mode.toString(8))
    }
    chmodSync(path, 0o400)
    await loadServerSecret(path)
  })

  test('is refused when it belongs to somebody else', {
    skip: process.getuid?.() === 0 ? false : 'only root can give files away',
  }, async context => {
    const path = join(tmpDir(context), 'server.secret')
    await loadServerSecret(path)
    chownSync(path, 65534, 65534)
    await assert.rejects(loadServerSecret(path), isUnsafe)
  })

  test('is refused with another size, and never replaced', async context => {
    const path = join(tmpDir(context), 'server.secret')
    await loadServerSecret(path)
    for (const size of [0, 31, 33, 1024 * 1024]) {
      truncateSync(path, size)
      await assert.rejects(loadServerSecret(path), isUnsafe)
      assert.equal(statSync(path).size, size)
    }
  })

  test('is refused as a link, a folder or a pipe', async context => {
    const folder = tmpDir(context)
    await loadServerSecret(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'))
    mkdirSync(join(folder, 'folder'), { mode: 0o700 })
    await run('mkfifo', ['-m', '600', join(folder, 'pipe')])
    for (const name of ['link', 'dangling', 'folder', 'pipe'])
      await assert.rejects(loadServerSecret(join(folder, name)), isUnsafe, name)
    assert.equal(readdirSync(folder).includes('nothing'), false)
  })

  test('says where it could not be made', async context => {
    const folder = tmpDir(context)
    writeFileSync(join(folder, 'file'), '')
    await assert.rejects(loadServerSecret(join(folder, 'missing', 'server.secret')), error =>
      isKefuError(error, 'KEFU_STORE_UNWRITABLE'),
    )
  })
})
