import assert from 'node:assert/strict'
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { kefuFails, kefuFailsInWords, kefuJson, runKefu } from '../helpers/cli.js'
import { kefuWithInput } from '../helpers/cli-input.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

type Credential = {
  readonly owner: string
  readonly name: string
  readonly setAt: number
  readonly digest: string
  readonly previousUntil?: number
  readonly problem?: string
}
type Answer = { readonly credential: Credential; readonly changed: boolean }
type List = {
  readonly credentials: readonly Credential[]
  readonly key?: { readonly kind: string; readonly id: string }
  readonly warnings?: readonly string[]
}

const config = 'http:\n  port: 0\n'
const RUN = ['daemon', 'run', '--set', 'log.level=error']
const usage = (message: RegExp) => ({ code: 'KEFU_USAGE', exit: 2, message })

describe('credentials from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  let daemon: DaemonProcess
  before(async () => {
    daemon = await DaemonProcess.start({ home, config })
    await daemon.control('channel.add', { kind: 'web', name: 'shop', origins: [] })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  const list = async (...words: string[]) => kefuJson<List>(['credential', 'list', ...words], options)
  const set = (text: string, ...words: string[]) =>
    kefuJson<Answer>(['credential', ...words, '--from-command', `printf %s '${text}'`], options)

  test('are set from each source, listed without their values, and kept when the daemon dies', async () => {
    assert.deepEqual(await list(), { credentials: [] })
    assert.deepEqual(
      readdirSync(home).filter(name => name.startsWith('master.key')),
      [],
    )
    const { code, stdout, stderr } = await kefuWithInput(
      ['credential', 'set', 'shop', 'token', '--stdin', '--json'],
      'one\n',
      options,
    )
    assert.equal(code, 0, stderr)
    const added = JSON.parse(stdout) as Answer
    assert.deepEqual([added.changed, added.credential.owner, added.credential.name], [true, 'channel/shop', 'token'])
    assert.equal((await set('one', 'set', 'channel/shop', 'token')).changed, false)
    const file = join(home, 'value.txt')
    writeFileSync(file, 'one\r\n')
    const fromFile = await kefuJson<Answer>(['credential', 'set', 'shop', 'other', '--from-file', file], options)
    assert.equal(fromFile.credential.digest, added.credential.digest)
    const command = ['credential', 'set', 'shop', 'third', '--from-command', 'printf "%s\\n" $((1 + 1)) 3']
    assert.equal((await kefuJson<Answer>(command, options)).changed, true)
    assert.equal((await set('2\n3', 'set', 'shop', 'third')).changed, false)
    await daemon.kill()
    daemon = await DaemonProcess.start({ home, config })
    const { credentials, key } = await list('shop')
    assert.deepEqual(
      credentials.map(({ name }) => name),
      ['other', 'third', 'token'],
    )
    assert.equal(key?.kind, 'file')
    const plain = await runKefu(['credential', 'list', '--fields', 'owner,name,state'], options)
    assert.equal(plain.stdout, 'channel/shop\tother\tok\nchannel/shop\tthird\tok\nchannel/shop\ttoken\tok\n')
    assert.deepEqual(
      (await list('--sort', '-set', '--limit', '1')).credentials.map(({ name }) => name),
      ['third'],
    )
  })

  test('are rotated, rekeyed and removed', async () => {
    await set('old', 'set', 'shop', 'token')
    const rotated = await set('new', 'rotate', 'shop', 'token', '--keep', '1h')
    assert.equal(rotated.changed, true)
    assert.equal(rotated.credential.previousUntil, rotated.credential.setAt + 3_600_000)
    assert.equal((await set('new', 'rotate', 'shop', 'token')).changed, false)
    assert.equal((await set('newer', 'rotate', 'shop', 'token', '--keep', '0s')).credential.previousUntil, undefined)
    const missing = { code: 'KEFU_CREDENTIAL_NOT_FOUND', exit: 13, message: /channel\/shop .*did you mean "token"/ }
    await kefuFails(['credential', 'rotate', 'shop', 'tokne', '--from-command', 'echo x'], missing, options)

    const before = await list()
    type Rekeyed = { readonly key: { readonly id: string }; readonly before: object; readonly sealed: number }
    const rekeyed = await kefuJson<Rekeyed>(['credential', 'rekey'], options)
    assert.deepEqual([rekeyed.before, rekeyed.sealed], [before.key, before.credentials.length])
    const after = await list()
    assert.equal(after.key?.id, rekeyed.key.id)
    assert.notEqual(after.credentials[0]!.digest, before.credentials[0]!.digest)

    const asked = { code: 'KEFU_INPUT_NEEDED', exit: 2, message: /Remove this credential\?/ }
    await kefuFails(['credential', 'remove', 'shop', 'token'], asked, options)
    await kefuJson(['credential', 'remove', 'shop', 'token', '-y'], options)
    await kefuFails(['credential', 'remove', 'shop', 'token', '-y'], { ...missing, message: /no credential/ }, options)
    await kefuJson(['channel', 'add', 'web', 'gone'], options)
    await set('x', 'set', 'gone', 'token')
    await kefuJson(['channel', 'remove', 'gone', '--yes'], options)
    await daemon.stop()
    daemon = await DaemonProcess.start({ home, config })
    assert.deepEqual([...new Set((await list()).credentials.map(({ owner }) => owner))], ['channel/shop'])
  })

  test('what is wrong with a command is said, and why values are no arguments', async () => {
    const inline = usage(/not taken from the command line.*--stdin, --from-file or --from-command/)
    await kefuFailsInWords(['credential', 'set', 'shop', 'token', 'value'], inline, options)
    await kefuFails(['credential', 'rekey', 'value'], inline, options)
    const nobody = { code: 'KEFU_INPUT_NEEDED', exit: 2, message: /the value/ }
    await kefuFails(['credential', 'set', 'shop', 'token'], nobody, options)
    await kefuFails(['credential', 'set', 'shop'], usage(/missing NAME/), options)
    const two = ['--stdin', '--from-file', 'x']
    await kefuFails(['credential', 'set', 'shop', 'token', ...two], usage(/one source/), options)
    await kefuFails(['credential', 'set', 'shop', 'token', '--stdni'], usage(/did you mean "stdin"/), options)
    await kefuFails(['credential', 'set', 'shop', 'token', '--from-file', '/none'], usage(/ENOENT/), options)
    const from = (command: string) => ['credential', 'set', 'shop', 'token', '--from-command', command]
    await kefuFails(from('exit 7'), usage(/ended with 7/), options)
    await kefuFails(from('yes'), usage(/more than 65536 bytes/), options)
    await kefuFails(from("printf '\\377'"), usage(/not UTF-8/), options)
    const invalid = { code: 'KEFU_CREDENTIAL_INVALID', exit: 2 }
    await kefuFails(from('true'), { ...invalid, message: /empty/ }, options)
    const keep = ['credential', 'rotate', 'shop', 'token', '--from-command', 'echo x', '--keep']
    await kefuFails([...keep, '31d'], usage(/at most 30 days/), options)
    await kefuFails([...keep, '5'], usage(/with a unit/), options)
    const owner = { code: 'KEFU_CREDENTIAL_OWNER_NOT_FOUND', exit: 13, message: /did you mean "shop"/ }
    await kefuFails(['credential', 'list', 'shpo'], owner, options)
    await kefuFails(['credential', 'rekey', '--from-file', 'x'], usage(/only --to passphrase/), options)
    await kefuFails(
      ['credential', 'rekey', '--to', 'foo'],
      usage(/^--to is one of file, systemd, passphrase$/),
      options,
    )
    await kefuFails(
      ['credential', 'list', '--sort', 'foo'],
      usage(/^--sort is one of name, -name, set, -set$/),
      options,
    )
    const systemd = { code: 'KEFU_VAULT_KEY_MISSING', exit: 12, message: /kefu-vault-key/ }
    await kefuFails(['credential', 'rekey', '--to', 'systemd'], systemd, options)
  })
})

describe('a daemon and its master key', () => {
  test('it does not start without the key that its credentials need, and begins anew with another one', async t => {
    const home = tmpDir(t)
    let daemon = await DaemonProcess.start({ home, config })
    t.after(() => daemon.kill())
    await daemon.control('channel.add', { kind: 'web', name: 'shop', origins: [] })
    await daemon.control('credential.set', { owner: 'shop', name: 'token', value: 'one' })
    await daemon.stop()
    const path = join(home, 'master.key')
    const key = readFileSync(path)
    unlinkSync(path)
    await kefuFails(RUN, { code: 'KEFU_VAULT_KEY_MISSING', exit: 12, message: /master\.key/ }, { home })
    assert.deepEqual(
      readdirSync(home).filter(name => name.startsWith('master.key')),
      [],
    )
    writeFileSync(path, Buffer.alloc(32, 5), { mode: 0o600 })
    daemon = await DaemonProcess.start({ home, config })
    const { credentials, warnings } = await kefuJson<List>(['credential', 'list'], { home })
    assert.match(credentials[0]!.problem ?? '', /another master key/)
    assert.deepEqual(warnings, ['1 cannot be read: set or remove what the list names'])
    const status = await kefuJson<{ readonly warnings: readonly string[] }>(['status'], { home })
    assert.match(status.warnings.join(), /the credential token of channel\/shop cannot be read/)
    await daemon.control('credential.set', { owner: 'shop', name: 'token', value: 'two' })
    assert.equal((await kefuJson<List>(['credential', 'list'], { home })).credentials[0]!.problem, undefined)
    await daemon.stop()
    writeFileSync(path, key)
    daemon = await DaemonProcess.start({ home, config })
    assert.match((await kefuJson<List>(['credential', 'list'], { home })).credentials[0]!.problem ?? '', /another/)
  })

  test('a passphrase comes from its file, and a wrong one is said at once', async t => {
    const home = tmpDir(t)
    let daemon = await DaemonProcess.start({ home, config })
    t.after(() => daemon.kill())
    await daemon.control('channel.add', { kind: 'web', name: 'shop', origins: [] })
    await daemon.control('credential.set', { owner: 'shop', name: 'token', value: 'one' })
    const words = ['credential', 'rekey', '--to', 'passphrase', '--stdin']
    const rekeyed = await kefuWithInput(words, 'correct horse\n', { home })
    assert.equal(rekeyed.code, 0, rekeyed.stderr)
    assert.match(rekeyed.stderr, /vault\.key is file: before the next start run kefu config set vault\.key passphrase/)
    await daemon.stop()
    const wrong = { code: 'KEFU_VAULT_KEY_WRONG', exit: 12, message: /from passphrase, and vault\.key is file/ }
    await kefuFails(RUN, wrong, { home })
    await kefuJson(['config', 'set', 'vault.key', 'passphrase'], { home })
    await kefuJson(['config', 'set', 'vault.passphraseFile', 'passphrase'], { home })
    writeFileSync(join(home, 'passphrase'), 'correct horsf\n', { mode: 0o600 })
    await kefuFails(RUN, { code: 'KEFU_VAULT_PASSPHRASE_WRONG', exit: 12 }, { home })
    writeFileSync(join(home, 'passphrase'), 'correct horse\n')
    daemon = await DaemonProcess.start({ home })
    const { credentials, key } = await kefuJson<List>(['credential', 'list'], { home })
    assert.deepEqual([credentials[0]!.problem, key?.kind], [undefined, 'passphrase'])
  })
})
