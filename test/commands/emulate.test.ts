import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { EMULATED_KINDS, EMULATOR_PORTS } from '../../src/commands/_emulate/kinds.js'
import { serveEmulator } from '../../src/emulator/core/server.js'
import { EMULATORS } from '../../src/emulator/emulators.js'
import { createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { type CallbackServer, callbackServer, type EmulatorRig, serve } from '../emulator/rig.js'
import { cliEnvironment, kefuFailsInWords, kefuJson } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { ROOT } from '../helpers/project.js'
import { type Cleanup, makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

type Running = {
  readonly child: ChildProcessWithoutNullStreams
  readonly text: { stdout: string; stderr: string }
  /** Complete lines of stdout as JSON. */
  readonly events: () => Record<string, unknown>[]
  readonly ended: Promise<number | null>
}

type Shown = { readonly channel: { readonly settings: Record<string, unknown>; readonly kind: string } }

describe('kefu emulate and a chat through it', () => {
  let home: string
  let daemon: DaemonProcess
  before(async () => {
    home = makeTmpDir()
    daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  function run(t: Cleanup, ...words: string[]): Running {
    const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), ...words], {
      cwd: ROOT,
      env: cliEnvironment({ home }),
    })
    t.after(() => void child.kill('SIGKILL'))
    const text = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk))
    const ended = once(child, 'close').then(([code]) => code as number | null)
    const events = (): Record<string, unknown>[] =>
      text.stdout
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as Record<string, unknown>)
    return { child, text, events, ended }
  }

  /** A channel of the daemon that talks to an emulator of this test. */
  async function channelOf(t: Cleanup, name: string): Promise<EmulatorRig & { readonly callback: CallbackServer }> {
    const callback = await callbackServer(t)
    const emulator = createWechatMpEmulator()
    const served = await serve(t, emulator)
    emulator.core.pusher.setTarget(callback.url)
    const settings = { ...emulator.account.settings, 'base-url': served.origin }
    await daemon.control('channel.add', { kind: 'wechat-mp', name, origins: [], settings })
    return { ...served, callback }
  }

  async function answer({ post, emulator }: EmulatorRig, touser: string, content: string): Promise<void> {
    const { token } = emulator.core.tokens.stable!.current()
    const path = `/cgi-bin/message/custom/send?access_token=${token}`
    assert.equal((await post(path, { touser, msgtype: 'text', text: { content } })).json.errcode, 0)
  }

  test('every emulator has a port of its own', () => {
    assert.deepEqual([...EMULATED_KINDS].sort(), Object.keys(EMULATORS).sort())
    assert.equal(new Set(Object.values(EMULATOR_PORTS)).size, EMULATED_KINDS.length)
  })

  test('--connect makes a channel with settings and sealed secrets, changes it the next time, and ends with Ctrl-C', async t => {
    for (const result of ['added', 'changed']) {
      const running = run(t, 'emulate', 'wechat-mp', '--connect', '--port', '0', '--json')
      await until(`ready: ${running.text.stderr}`, () => running.events().length > 0).catch(error => {
        throw new Error(`${String(error)}: ${running.text.stderr}`)
      })
      const [ready] = running.events()
      assert.deepEqual(
        [ready!.type, ready!.kind, ready!.channel, ready!.result, 'credentials' in ready!],
        ['ready', 'wechat-mp', 'emulated-wechat-mp', result, false],
      )
      const { channel } = await kefuJson<Shown>(['channel', 'show', 'emulated-wechat-mp'], { home })
      assert.deepEqual(channel.settings, ready!.settings)
      assert.equal(channel.settings['base-url'], ready!.url)
      assert.match(String(ready!.callback), /^http:\/\/127\.0\.0\.1:\d+\/v1\/channels\/emulated-wechat-mp\/callback$/)
      const { credentials } = await kefuJson<{ readonly credentials: { readonly name: string }[] }>(
        ['credential', 'list'],
        { home },
      )
      assert.deepEqual(credentials.map(({ name }) => name).sort(), ['app-secret', 'encoding-aes-key', 'token'])
      running.child.kill('SIGINT')
      assert.equal(await running.ended, 0, running.text.stderr)
    }
  })

  test('without --connect it prints what has to be entered, and shows what is said', async t => {
    const callback = await callbackServer(t)
    const running = run(
      t,
      'emulate',
      'wechat-mini',
      '--port',
      '0',
      '--callback',
      callback.url,
      '--format',
      'xml',
      '--json',
    )
    await until('ready', () => running.events().length > 0)
    const [ready] = running.events()
    assert.deepEqual(Object.keys(ready!.credentials as object), ['token', 'encoding-aes-key', 'app-secret'])
    const said = await fetch(`${String(ready!.url)}/emulator/say`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"user":"li","text":"hello"}',
    })
    assert.equal(said.status, 200)
    assert.match(callback.received[0]!.body, /^<xml>/)
    await until('the delivery', () => running.events().length > 1)
    assert.equal(running.events()[1]!.type, 'delivery')
    running.child.kill('SIGTERM')
    assert.equal(await running.ended, 0)
  })

  test('refuses what does not fit together, and a port that is taken', async t => {
    const options = { home }
    const failsWith = (exit: number, code: string, ...words: string[]) =>
      kefuFailsInWords(['emulate', ...words], { code, exit }, options)
    await failsWith(2, 'KEFU_USAGE', 'telegraph')
    await failsWith(2, 'KEFU_USAGE', 'all', '--callback', 'http://127.0.0.1:1/')
    await failsWith(2, 'KEFU_USAGE', 'wechat-mp', '--port', '0', '--callback', 'nowhere')
    await failsWith(2, 'KEFU_USAGE', 'all', '--port', '65534')
    await failsWith(2, 'KEFU_USAGE', 'wecom-kf', '--port', '0', '--mode', 'plain')
    await failsWith(2, 'KEFU_USAGE', 'wechat-mp', '--port', '0', '--format', 'xml')
    const { origin } = await serve(t, createWechatMpEmulator())
    await failsWith(11, 'KEFU_EMULATOR_PORT_TAKEN', 'wechat-mp', '--port', new URL(origin).port)
    const nobody = makeTmpDir()
    t.after(() => removeDir(nobody))
    await kefuFailsInWords(
      ['emulate', 'wechat-mp', '--port', '0', '--connect'],
      { code: 'KEFU_DAEMON_UNREACHABLE', exit: 10 },
      { home: nobody },
    )
  })

  test('a chat says what is piped in as a user of the emulator, and shows what is sent to that user', async t => {
    const rig = await channelOf(t, 'talk')
    const chat = run(t, 'chat', 'visitor', '--channel', 'talk', '--user', 'li', '--wait', '1')
    chat.child.stdin.end('hello\n/do CLICK EventKey=help\n//slash\n')
    await rig.callback.until(3)
    const { emulator } = rig
    assert.deepEqual(
      emulator.core.pusher.list().map(({ user, what }) => `${user} ${what}`),
      ['li text: hello', 'li CLICK', 'li text: /slash'],
    )
    await emulator.say('other', { type: 'text', text: 'x' })
    await answer(rig, 'other', 'not for li')
    await answer(rig, 'li', 'good day\u001b[2J')
    assert.equal(await chat.ended, 0, chat.text.stderr)
    assert.deepEqual(
      chat.text.stdout.split('\n').map(line => line.split('\t').slice(2)),
      [['you', 'hello'], ['you', '[CLICK EventKey=help]'], ['you', '/slash'], ['agent', 'good day\ufffd[2J'], []],
    )
  })

  test('with --json a chat writes objects; what is not taken fails it', async t => {
    const rig = await channelOf(t, 'refused')
    const chat = run(t, 'chat', 'visitor', '--channel', 'refused', '--json', '--for', '1s')
    await until('ready', () => chat.events().some(({ state }) => state === 'ready'))
    await rig.emulator.say('visitor', { type: 'text', text: 'x' })
    await answer(rig, 'visitor', 'hi')
    await until('the message', () => chat.events().some(({ type }) => type === 'message'))
    const message = chat.events().find(({ type }) => type === 'message')
    assert.deepEqual([message!.text, message!.own, message!.as], ['hi', false, 'text'])
    rig.emulator.core.faults.add({ fault: 'drop' })
    chat.child.stdin.end('lost\n')
    assert.equal(await chat.ended, 1, chat.text.stderr)
    assert.match(chat.text.stderr, /KEFU_EMULATOR_UNDELIVERED/)
  })

  test('a chat says why there is no emulator', async t => {
    const settings = { 'app-id': 'wx0123456789abcdef' }
    await daemon.control('channel.add', { kind: 'wechat-mp', name: 'real', origins: [], settings })
    await kefuFailsInWords(
      ['chat', 'visitor', '--channel', 'real'],
      { code: 'KEFU_USAGE', exit: 2, message: /channel real talks to its platform/ },
      { home },
    )
    const proxied = { ...settings, 'base-url': 'https://proxy.example/wx' }
    await daemon.control('channel.set', { name: 'real', settings: proxied })
    await kefuFailsInWords(
      ['chat', 'visitor', '--channel', 'real'],
      { code: 'KEFU_USAGE', exit: 2, message: /channel real talks to proxy\.example: its users write there/ },
      { home },
    )
    const ended = await serveEmulator(createWechatMpEmulator())
    await ended.close()
    const gone = { ...settings, 'base-url': ended.origin }
    await daemon.control('channel.add', { kind: 'wechat-mp', name: 'gone', origins: [], settings: gone })
    await kefuFailsInWords(
      ['chat', 'visitor', '--channel', 'gone'],
      { code: 'KEFU_EMULATOR_UNREACHABLE', exit: 10, message: /ECONNREFUSED/ },
      { home },
    )
    const other = await channelOf(t, 'other')
    await daemon.control('channel.add', {
      ...{ kind: 'wechat-mini', name: 'mini', origins: [] },
      settings: { ...settings, 'base-url': other.origin },
    })
    await kefuFailsInWords(
      ['chat', 'visitor', '--channel', 'mini'],
      { code: 'KEFU_EMULATOR_UNREACHABLE', exit: 10, message: /it emulates wechat-mp/ },
      { home },
    )
    for (const flags of [['--new'], ['--name', 'Li'], ['--language', 'zh']])
      await kefuFailsInWords(
        ['chat', 'visitor', '--channel', 'gone', ...flags],
        { code: 'KEFU_USAGE', exit: 2, message: /--user says who writes/ },
        { home },
      )
  })
})
