import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { claimScratchHome, sweepScratchHomes } from '../../src/commands/_demo/leftovers.js'
import { makeScratchHome } from '../../src/commands/_demo/scratch.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const socketOf = (home: string) => join(home, 'kefu.sock')
const gone = spawnSync(process.execPath, ['-e', '0']).pid

/** A folder with something in it, and an owner. */
function leave(folder: string, name: string, owner?: object | string): string {
  const home = join(folder, name)
  mkdirSync(join(home, 'store'), { recursive: true })
  writeFileSync(join(home, 'store', 'x'), 'x')
  if (owner !== undefined)
    writeFileSync(join(home, 'demo.owner'), typeof owner === 'string' ? owner : JSON.stringify(owner))
  return home
}

describe('what killed demos have left', () => {
  test('is removed when its process is gone, and nothing else is', async t => {
    const folder = tmpDir(t)
    const host = hostname()
    const left = { pid: gone, host }
    leave(folder, 'kefu-demo-aB3dE6', left)
    const others = [
      leave(folder, 'kefu-demo-kept01'),
      leave(folder, 'kefu-demo-alive1', { pid: process.pid, host }),
      leave(folder, 'kefu-demo-other1', { pid: gone, host: `${host}.elsewhere` }),
      leave(folder, 'kefu-demo-strang', { pid: gone, host, more: 1 }),
      leave(folder, 'kefu-demo-minus1', { pid: -1, host }),
      leave(folder, 'kefu-demo-broken', '{'),
      leave(folder, 'kefu-demo-long01', JSON.stringify({ ...left, x: 'x'.repeat(2_000) })),
      leave(folder, 'kefu-demo-abc', left),
      leave(folder, 'kefu-demo-aB3dE6.bak', left),
      leave(folder, 'my-kefu-demo-aB3dE6', left),
    ]
    const target = leave(folder, 'elsewhere', left)
    symlinkSync(target, join(folder, 'kefu-demo-linked'))
    writeFileSync(join(folder, 'kefu-demo-afile1'), 'x')
    assert.deepEqual(await sweepScratchHomes(folder, socketOf), ['kefu-demo-aB3dE6'])
    assert.equal(readdirSync(folder).length, others.length + 3)
    for (const home of [...others, target]) assert.deepEqual(readdirSync(join(home, 'store')), ['x'], home)
    assert.deepEqual(await sweepScratchHomes(join(folder, 'none'), socketOf), [])
  })

  test('stays while its daemon answers, and while it is being made', async t => {
    const folder = tmpDir(t)
    const home = leave(folder, 'kefu-demo-daemon', { pid: gone, host: hostname() })
    const server = createServer().listen(socketOf(home))
    await once(server, 'listening')
    const own = leave(folder, 'kefu-demo-mine01')
    await claimScratchHome(own)
    assert.deepEqual(await sweepScratchHomes(folder, socketOf), [])
    server.close()
    await once(server, 'close')
    assert.deepEqual(await sweepScratchHomes(folder, socketOf), ['kefu-demo-daemon'])
    assert.deepEqual(readdirSync(folder), ['kefu-demo-mine01'])
  })
})

test('a folder for temporary files that cannot be used is told of, with what to do', async t => {
  const folder = tmpDir(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const long = join(folder, 'x'.repeat(120))
  mkdirSync(long)
  const { TMPDIR } = process.env
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  for (const [path, reason] of [
    [join(folder, 'none'), 'it does not exist'],
    [file, 'it is not a folder'],
    [long, 'its path is too long'],
  ] as const) {
    process.env.TMPDIR = path
    await assert.rejects(makeScratchHome(false), {
      code: 'KEFU_TEMPORARY_UNUSABLE',
      message: `no folder can be made among the temporary ones in ${path}: ${reason}`,
      hint: /TMPDIR/,
    })
  }
  assert.deepEqual(readdirSync(long), [])
})
