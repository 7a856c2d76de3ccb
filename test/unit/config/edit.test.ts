import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkedValue, setInFile, unsetInFile } from '../../../src/daemon/config/edit.js'
import { loadConfig } from '../../../src/daemon/config/load.js'
import { isKefuError } from '../../../src/errors.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

const COMMENTED = `# our settings
http:
  # behind the proxy
  port: 9000 # not 80

presence:
  awayAfter: 20s   # longer lunch
`

test('setting keeps comments and everything else', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, COMMENTED)
  assert.equal(await setInFile(file, 'http.port', 9100), true)
  assert.equal(await setInFile(file, 'http.host', '::1'), true)
  assert.equal(await setInFile(file, 'limits.uploadBytes', 1024 * 1024), true)
  const text = readFileSync(file, 'utf8')
  for (const comment of ['# our settings', '# behind the proxy', '# not 80', '# longer lunch'])
    assert.ok(text.includes(comment), text)
  const { config, problems } = await loadConfig({ flags: new Map(), environment: {}, file })
  assert.deepEqual(problems, [])
  assert.equal(config.http.port, 9100)
  assert.equal(config.http.host, '::1')
  assert.equal(config.limits.uploadBytes, 1024 * 1024)
  assert.equal(config.presence.awayAfterMs, 20_000)
})

test('a list is written as one, and the same list is no change', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, COMMENTED)
  const value = checkedValue('http.trustedProxies', '127.0.0.1, 10.0.0.0/8')
  assert.equal(await setInFile(file, 'http.trustedProxies', value), true)
  assert.equal(await setInFile(file, 'http.trustedProxies', value), false)
  const { config } = await loadConfig({ flags: new Map(), environment: {}, file })
  assert.deepEqual(config.http.trustedProxies, ['127.0.0.1', '10.0.0.0/8'])
})

test('the same value is no change, however it is written', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, COMMENTED)
  assert.equal(await setInFile(file, 'presence.awayAfter', 20_000), false)
  assert.equal(await setInFile(file, 'http.port', 9000), false)
  assert.equal(readFileSync(file, 'utf8'), COMMENTED)
})

test('a file is made (0640, its folder 0700) and left without remains', async t => {
  const folder = join(tmpDir(t), 'etc')
  const file = join(folder, 'kefu.yaml')
  assert.equal(await setInFile(file, 'log.level', 'warn'), true)
  assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(folder), ['kefu.yaml'])
  assert.equal(readFileSync(file, 'utf8'), 'log:\n  level: warn\n')
})

test('unsetting removes the key, an empty section, and nothing else', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, COMMENTED)
  assert.equal(await unsetInFile(file, 'presence.awayAfter'), true)
  assert.equal(await unsetInFile(file, 'presence.awayAfter'), false)
  const text = readFileSync(file, 'utf8')
  assert.ok(!text.includes('presence'), text)
  assert.ok(text.includes('# behind the proxy'), text)
  assert.equal(await unsetInFile(file, 'http.port'), true)
  const { problems } = await loadConfig({ flags: new Map(), environment: {}, file })
  assert.deepEqual(problems, [])
})

test('a file with comments only takes a key and keeps them', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, '# first\n# second\n')
  await setInFile(file, 'http.port', 1)
  const text = readFileSync(file, 'utf8')
  assert.ok(text.includes('# first') && text.includes('# second'), text)
  assert.equal((await loadConfig({ flags: new Map(), environment: {}, file })).config.http.port, 1)
})

test('a link stays a link', async t => {
  const folder = tmpDir(t)
  const file = join(folder, 'kefu.yaml')
  writeFileSync(join(folder, 'real.yaml'), 'http:\n  port: 1\n')
  symlinkSync('real.yaml', file)
  await setInFile(file, 'http.port', 2)
  assert.ok(lstatSync(file).isSymbolicLink())
  assert.match(readFileSync(join(folder, 'real.yaml'), 'utf8'), /port: 2/)
})

test('a file that is not valid is not touched', async t => {
  const file = join(tmpDir(t), 'kefu.yaml')
  for (const broken of ['http: [\n', '- a\n', 'text\n']) {
    writeFileSync(file, broken)
    await assert.rejects(setInFile(file, 'http.port', 1), error => isKefuError(error, 'KEFU_CONFIG_INVALID'))
    assert.equal(readFileSync(file, 'utf8'), broken)
  }
})

test('a place that cannot be written is said with its code', async t => {
  const folder = tmpDir(t)
  writeFileSync(join(folder, 'file'), '')
  await assert.rejects(setInFile(join(folder, 'file', 'kefu.yaml'), 'http.port', 1), error =>
    ['KEFU_STORE_UNWRITABLE', 'KEFU_CONFIG_INVALID'].some(code => isKefuError(error) && error.code === code),
  )
  mkdirSync(join(folder, 'kefu.yaml'))
  await assert.rejects(setInFile(join(folder, 'kefu.yaml'), 'http.port', 1), error =>
    isKefuError(error, 'KEFU_CONFIG_INVALID'),
  )
})

test('a value is checked before anything is written', () => {
  assert.equal(checkedValue('presence.awayAfter', '1m'), 60_000)
  assert.throws(() => checkedValue('http.port', '70000'), /http\.port is "70000"; allowed is a port from 0 to 65535/)
})
