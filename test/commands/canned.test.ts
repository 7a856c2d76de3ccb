import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cliEnvironment, kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { ROOT } from '../helpers/project.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type Answer = {
  readonly reply: {
    readonly name: string
    readonly texts: Readonly<Record<string, string>>
    readonly team?: string
    readonly teamRemoved?: true
  }
  readonly changed: boolean
}

const usage = (message: RegExp) => ({ code: 'KEFU_USAGE', exit: 2, message })
const missing = { code: 'KEFU_CANNED_NOT_FOUND', exit: 13 }

describe('canned replies from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  const config = 'http:\n  port: 0\n'
  let daemon: DaemonProcess
  before(async () => {
    daemon = await DaemonProcess.start({ home, config })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  const canned = (...words: string[]) => kefuJson<Answer>(['canned', ...words], options)

  /** Runs a command that reads its text from standard input. */
  async function piped(text: string, ...words: string[]): Promise<number | null> {
    const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'canned', ...words], {
      env: cliEnvironment(options),
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(text)
    const [code] = await once(child, 'close')
    return code as number | null
  }

  test('are added once, changed by language, kept when the daemon dies, and removed', async () => {
    const text = 'Hello {contact}, this is {agent}.'
    const added = await canned('add', 'hi', text)
    assert.deepEqual([added.changed, added.reply.texts], [true, { '': text }])
    assert.equal((await canned('add', 'hi', text)).changed, false)
    await kefuFails(['canned', 'add', 'hi', 'other'], { code: 'KEFU_CANNED_EXISTS', exit: 14 }, options)
    const file = join(home, 'zh.txt')
    writeFileSync(file, '您好{contact}\r\n请问有什么可以帮您？\r\n')
    const set = await canned('set', 'hi', '--from-file', file, '--language', 'ZH')
    const texts = { '': text, zh: '您好{contact}\n请问有什么可以帮您？' }
    assert.deepEqual([set.changed, set.reply.texts], [true, texts])
    await daemon.kill()
    daemon = await DaemonProcess.start({ home, config })
    assert.deepEqual((await canned('show', 'hi')).reply.texts, texts)
    const show = await runKefu(['canned', 'show', 'hi'], options)
    assert.match(show.stdout, /^shortcut\thi\ntext\tHello \{contact\}, this is \{agent\}\.\ntext zh\t您好\{contact\} /)
    assert.deepEqual((await canned('set', 'hi', '--remove-text')).reply.texts, { zh: texts.zh })
    await kefuFails(['canned', 'set', 'hi', '--remove-text', '--language', 'zh'], usage(/needs a text/), options)
    const asked = { code: 'KEFU_INPUT_NEEDED', exit: 2, message: /Remove canned reply hi \(1 text\)\?/ }
    await kefuFails(['canned', 'remove', 'hi'], asked, options)
    await canned('remove', 'hi', '-y')
    await kefuFails(['canned', 'show', 'hi'], missing, options)
  })

  test('long ones come from standard input, within bounds', async () => {
    assert.equal(await piped(`${'x'.repeat(4_000)}\n`, 'add', 'long', '--stdin'), 0)
    assert.equal((await canned('show', 'long')).reply.texts['']?.length, 4_000)
    assert.equal(await piped('x'.repeat(4_001), 'add', 'longer', '--stdin'), 2)
    assert.equal(await piped('x'.repeat(200_000), 'add', 'longer', '--stdin'), 2)
    assert.equal(await piped('x', 'add', 'longer', 'y', '--stdin'), 2)
    await kefuFails(['canned', 'show', 'longer'], missing, options)
    await canned('remove', 'long', '-y')
  })

  test('what cannot be is said in one sentence', async () => {
    const failures: readonly (readonly [string[], ReturnType<typeof usage>])[] = [
      [['add', 'x'], usage(/--from-file or with --stdin/)],
      [['add', 'two words', 'x'], usage(/is not a name of/)],
      [['add', 'x', 'Hi {who}'], usage(/\{who\} is not a placeholder/)],
      [['add', 'x', 'Hi', '--language', 'not one'], usage(/is not a language tag/)],
      [['add', 'x', '--from-file', join(home, 'none')], usage(/cannot be read \(ENOENT\)/)],
      [['set', 'x'], usage(/nothing to change/)],
      [['set', 'x', '--language', 'zh'], usage(/--language needs a text/)],
      [['set', 'x', 'y', '--remove-text'], usage(/give no other text/)],
    ]
    for (const [words, failure] of failures) await kefuFails(['canned', ...words], failure, options)
    await kefuFails(['canned', 'set', 'x', 'y'], missing, options)
    const team = { code: 'KEFU_TEAM_NOT_FOUND', exit: 13 }
    await kefuFails(['canned', 'add', 'x', 'y', '--team', 'nobody'], team, options)
  })

  test('of a removed team are listed with a warning, until they are given to another', async () => {
    await kefuJson(['team', 'add', 'refunds'], options)
    await canned('add', 'refund', 'Money back', '--team', 'refunds')
    await canned('add', 'bye', 'Bye')
    await canned('set', 'bye', '再见', '--language', 'zh')
    const list = ['canned', 'list', '--fields', 'shortcut,languages,team,text']
    assert.equal((await runKefu(list, options)).stdout, 'bye\tzh\t\tBye\nrefund\t\trefunds\tMoney back\n')
    await kefuJson(['team', 'remove', 'refunds', '-y'], options)
    const warned = await runKefu(list, options)
    assert.match(
      warned.stderr,
      /^Warning: nobody is offered refund: the team was removed \(kefu canned set refund --no-team/,
    )
    assert.match(warned.stdout, /^refund\t\tt_[0-9A-Z]{26}\tMoney back$/m)
    assert.equal((await canned('show', 'refund')).reply.teamRemoved, true)
    const set = await canned('set', 'refund', '--no-team')
    assert.deepEqual([set.reply.team, set.reply.teamRemoved], [undefined, undefined])
    assert.equal((await runKefu(list, options)).stderr, '')
    const page = await kefuJson<{ next?: string }>(['canned', 'list', '--limit', '1', '--sort', '-name'], options)
    assert.equal(typeof page.next, 'string')
  })
})
