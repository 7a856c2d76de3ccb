import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createVisitor } from '../../src/client/index.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { tmpDir } from '../helpers/tmp-dir.js'

test('a proxy that a daemon was not told about is a warning', async t => {
  const daemon = await DaemonProcess.start({ home: join(tmpDir(t), 'home'), config: 'http:\n  port: 0\n' })
  t.after(() => daemon.kill())
  const status = () => daemon.control<{ address: { http: string }; warnings: string[] }>('daemon.status')
  const { address, warnings } = await status()
  assert.deepEqual(warnings, [])
  for (let i = 0; i < 2; i++) await fetch(address.http, { headers: { 'x-forwarded-for': '203.0.113.1' } })
  assert.match(
    (await status()).warnings.join('\n'),
    /^127\.0\.0\.1 sends X-Forwarded-For, .+ share the limits of one address$/,
  )
})

const CONFIG = `http:
  port: 0
  trustedProxies: [127.0.0.1]
limits:
  uploadsPerMinutePerAddress: 2
`

test('a daemon behind a proxy bounds the uploads of each visitor’s address, and keeps a file when a message names it', async t => {
  const home = join(tmpDir(t), 'home')
  const daemon = await DaemonProcess.start({ home, config: CONFIG })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const { address } = await daemon.control<{ address: { http: string } }>('daemon.status')
  let token = ''
  const tokens = {
    load: () => undefined,
    save: (fresh: string) => {
      token = fresh
    },
  }
  const visitor = createVisitor({ url: address.http, channel: 'site', tokens })
  t.after(() => visitor.close())
  await visitor.ready()
  const upload = (from: string) =>
    fetch(new URL('/v1/media', address.http), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': `6.6.6.6, ${from}` },
      body: Buffer.from('a file'),
    })
  const first = await upload('203.0.113.1')
  assert.equal(first.status, 201)
  assert.equal((await upload('203.0.113.1')).status, 201)
  const refused = await upload('203.0.113.1')
  assert.deepEqual([refused.status, Number(refused.headers.get('retry-after')) > 0], [429, true])
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'KEFU_RATE_LIMITED')
  assert.equal((await upload('203.0.113.2')).status, 201)

  const pending = join(home, 'media', 'pending')
  assert.equal(readdirSync(pending).length, 3)
  const { media } = (await first.json()) as { media: string }
  await visitor.send([{ type: 'file', media, name: 'a.txt' }])
  const left = readdirSync(pending)
  assert.equal(left.length, 2)
  assert.ok(!left.some(name => name.endsWith(media)))
})
