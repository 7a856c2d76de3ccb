import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openRig } from '../control/harness.js'
import { kefuFails, kefuFailsInWords, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

type Agent = {
  readonly id: string
  readonly name: string
  readonly tokens: readonly { readonly fingerprint: string }[]
}
type Channel = {
  readonly name: string
  readonly number: number
  readonly origins: readonly string[]
  readonly tokens: readonly object[]
}

describe('agents and channels from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  let daemon: DaemonProcess
  before(async () => {
    daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  test('agent add gives a token once', async () => {
    const added = await kefuJson<{ agent: Agent; token: string; changed: boolean }>(['agent', 'add', '小王'], options)
    assert.match(added.token, /^kat_[A-Za-z0-9_-]{43}$/)
    const [again, show, list] = await Promise.all([
      kefuJson<{ changed: boolean; token?: string }>(['agent', 'add', '小王'], options),
      runKefu(['agent', 'show', '小王'], options),
      runKefu(['agent', 'list', '--fields', 'name,id,tokens'], options),
    ])
    assert.deepEqual([again.changed, again.token], [false, undefined])
    assert.match(
      show.stdout,
      new RegExp(
        `^agent\t小王\nid\t${added.agent.id}\nrole\tagent\ncapacity\t\ntoken fingerprint\t${added.agent.tokens[0]?.fingerprint} `,
      ),
    )
    assert.deepEqual(list, { code: 0, stdout: `小王\t${added.agent.id}\t1\n`, stderr: '' })
    for (const { stdout } of [show, list]) assert.ok(!stdout.includes(added.token))
  })

  test('a token can go into a file instead, which must be new', async t => {
    const folder = tmpDir(t)
    const file = join(folder, 'li.token')
    const added = await kefuJson<{ token?: string; tokenFile: string }>(
      ['agent', 'add', 'li', '--token-file', file],
      options,
    )
    assert.deepEqual([added.token, added.tokenFile], [undefined, file])
    assert.match(readFileSync(file, 'utf8'), /^kat_[A-Za-z0-9_-]{43}\n$/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const unused = join(folder, 'unused.token')
    const [replaced, unchanged, told] = await Promise.all([
      runKefu(['agent', 'token', 'li', '--replace', '--token-file', join(folder, 'new.token')], options),
      kefuJson<{ tokenFile?: string }>(['agent', 'add', 'li', '--token-file', unused], options),
      runKefu(['agent', 'add', 'li', '--token-file', `${unused}3`], options),
      kefuFails(
        ['agent', 'token', 'li', '--token-file', file],
        { code: 'KEFU_FILE_EXISTS', exit: 14, message: /exists already/ },
        options,
      ),
      kefuFails(
        ['agent', 'token', 'nobody', '--token-file', `${unused}2`],
        { code: 'KEFU_AGENT_NOT_FOUND', exit: 13 },
        options,
      ),
    ])
    assert.equal(replaced.code, 0)
    assert.ok(!replaced.stdout.includes('kat_'), replaced.stdout)
    assert.equal(unchanged.tokenFile, undefined)
    assert.deepEqual(
      [told.code, told.stderr],
      [0, `No new token, so ${unused}3 was not written. Next: kefu agent token li --token-file ${unused}3\n`],
    )
    assert.equal(existsSync(unused), false)
    assert.equal(existsSync(`${unused}2`), false)
    const { agent } = await kefuJson<{ agent: Agent }>(['agent', 'show', 'li'], options)
    assert.equal(agent.tokens.length, 1)
  })

  test('the token of an app channel can be changed without an interruption, and into a file', async t => {
    const file = join(tmpDir(t), 'new.token')
    await runKefu(['channel', 'add', 'app', 'rotating'], options)
    const beside = await kefuJson<{ channel: Channel; token: string }>(['channel', 'token', 'rotating'], options)
    assert.match(beside.token, /^kpt_[A-Za-z0-9_-]{43}$/)
    assert.equal(beside.channel.tokens.length, 2)
    const told = await runKefu(['channel', 'add', 'app', 'rotating', '--token-file', file], options)
    assert.equal(
      told.stderr,
      `No new token, so ${file} was not written.\nNext: kefu channel token rotating --token-file ${file}\n`,
    )
    const replaced = await runKefu(['channel', 'token', 'rotating', '--replace', '--token-file', file], options)
    assert.equal(replaced.stdout, `channel\trotating\ntoken file\t${file}\nvalid tokens\t1\n`)
    assert.match(readFileSync(file, 'utf8'), /^kpt_[A-Za-z0-9_-]{43}\n$/)
    await runKefu(['channel', 'add', 'web', 'page'], options)
    await Promise.all([
      kefuFails(
        ['channel', 'token', 'page'],
        { code: 'KEFU_CHANNEL_WITHOUT_TOKENS', exit: 14, message: /kind web has no tokens/ },
        options,
      ),
      kefuFails(['channel', 'token', 'rotatin'], { code: 'KEFU_CHANNEL_NOT_FOUND', exit: 13 }, options),
    ])
    for (const name of ['rotating', 'page']) await runKefu(['channel', 'remove', name, '--yes'], options)
  })

  test('channel add, set, show, list', async () => {
    const web = ['channel', 'add', 'web', 'shop', '--origin', 'https://a.example', '--origin', 'https://b.example']
    const added = await kefuJson<{ channel: Channel; identitySecret: string }>(web, options)
    assert.match(added.identitySecret, /^[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(added.channel.origins, ['https://a.example', 'https://b.example'])
    const app = await kefuJson<{ channel: Channel; token: string }>(['channel', 'add', 'app', 'backend'], options)
    assert.match(app.token, /^kpt_/)
    await kefuFails(['channel', 'add', 'app', 'shop'], { code: 'KEFU_CHANNEL_EXISTS', exit: 14 }, options)
    const [again, none] = await Promise.all([
      kefuJson<{ changed: boolean }>(web, options),
      kefuJson<{ channel: Channel }>(['channel', 'set', 'backend', '--no-origin'], options),
      kefuFails(
        ['channel', 'add', 'web', 'x', '--origin', 'shop.example'],
        { code: 'KEFU_USAGE', exit: 2, message: /is not an origin/ },
        options,
      ),
      kefuFails(
        ['channel', 'show', 'shp'],
        { code: 'KEFU_CHANNEL_NOT_FOUND', exit: 13, message: /did you mean "shop"/ },
        options,
      ),
    ])
    assert.equal(again.changed, false)
    assert.deepEqual(none.channel.origins, [])
    const set = await kefuJson<{ channel: Channel }>(
      ['channel', 'set', 'shop', '--origin', 'https://c.example'],
      options,
    )
    assert.deepEqual([set.channel.number, set.channel.origins], [added.channel.number, ['https://c.example']])
    const page = await runKefu(
      ['channel', 'list', '--sort', '-name', '--limit', '1', '--fields', 'name,origins'],
      options,
    )
    assert.equal(page.stdout, 'shop\thttps://c.example\n')
    const cursor = /^more: --cursor (\S+)\n$/.exec(page.stderr)?.[1] ?? ''
    const rest = await kefuJson<{ channels: Channel[]; next?: string }>(
      ['channel', 'list', '--sort', '-name', '--cursor', cursor],
      options,
    )
    assert.deepEqual([rest.channels.map(({ name }) => name), rest.next], [['backend'], undefined])
  })

  test('removing asks first, and where nobody can be asked names the flag', async () => {
    await runKefu(['agent', 'add', 'gone'], options)
    const asked = { code: 'KEFU_INPUT_NEEDED', exit: 2, message: /Remove agent gone \(1 valid token\)\?/ }
    await kefuFails(['agent', 'remove', 'gone'], asked, options)
    await kefuFailsInWords(['agent', 'remove', 'gone'], { ...asked, message: /^Try: {3}add --yes$/m }, options)
    const [removed] = await Promise.all([
      runKefu(['agent', 'remove', 'gone', '-y'], options),
      runKefu(['channel', 'add', 'web', 'old'], options),
    ])
    assert.match(removed.stdout, /^agent\tgone\nid\ta_\w+\nresult\tremoved\n$/)
    const channel = await kefuJson<{ channel: Channel }>(['channel', 'remove', 'old', '--yes'], options)
    assert.equal(channel.channel.name, 'old')
    await kefuFails(['agent', 'remove', 'gone', '-y'], { code: 'KEFU_AGENT_NOT_FOUND', exit: 13 }, options)
  })

  test('no token and no secret is in the log', async () => {
    const log = readFileSync(join(home, 'daemon.log'), 'utf8')
    assert.match(log, /control\.operation/)
    assert.doesNotMatch(log, /k[ap]t_[A-Za-z0-9_-]{20}|identitySecret/)
  })
})

test('damage is listed, with exit code 16', async t => {
  const finding = {
    kind: 'crc',
    conversation: 'c_0123456789ABCDEFGHJKMNPQRS',
    n: 7,
    message: 'record 7 is damaged',
  } as const
  const { path } = await openRig(t, {
    store: {
      info: () => Promise.reject(new Error('not asked')),
      check: ({ deep }) => Promise.resolve({ deep, records: 9, conversations: 1, findings: [finding] }),
    },
  })
  const [json, plain] = await Promise.all([
    runKefu(['store', 'check', '--deep', '--json', '--socket', path]),
    runKefu(['store', 'check', '--socket', path]),
  ])
  assert.equal(json.code, 16)
  assert.equal(json.stderr, '')
  const expected = { sound: false, deep: true, records: 9, conversations: 1, findings: [finding] }
  assert.deepEqual(JSON.parse(json.stdout), expected)
  assert.deepEqual([plain.code, plain.stdout], [16, `crc\t${finding.conversation}\t7\trecord 7 is damaged\n`])
})

test('a daemon of another minor version is noticed in a warning, of another protocol refused', async t => {
  const { path } = await openRig(t, {}, '0.9.0')
  const { warnings } = await kefuJson<{ warnings: string[] }>(['agent', 'list', '--socket', path])
  assert.match(warnings[0] ?? '', /^daemon 0\.9\.0, cli \d+\.\d+\.\d+: run kefu daemon restart$/)
  const other = createServer((_, response) => response.writeHead(400, { 'kefu-protocol': '99' }).end('{}'))
  const otherPath = join(tmpDir(t), 'kefu.sock')
  await new Promise<void>(resolve => other.listen(otherPath, resolve))
  t.after(() => other.close())
  await kefuFails(['agent', 'list', '--socket', otherPath], { code: 'KEFU_DAEMON_VERSION_MISMATCH', exit: 17 })
})
