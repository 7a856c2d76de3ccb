import assert from 'node:assert/strict'
import { appendFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { arrangeArguments, wantsJson } from '../../src/commands/_cli/arguments.js'
import { renderFailure } from '../../src/commands/_cli/failure.js'
import { followLog, lastLines } from '../../src/commands/_cli/log-reader.js'
import { createOutput, type ListColumn, type OutputOptions } from '../../src/commands/_cli/output.js'
import { displayWidth, renderTable } from '../../src/commands/_cli/table.js'
import { describeTerminal } from '../../src/commands/_cli/terminal.js'
import { groupDigits, wordsOfDuration, wordsOfSize } from '../../src/commands/_cli/words.js'
import { KefuError } from '../../src/errors.js'
import { runKefu } from '../helpers/cli.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Row = { readonly name: string; readonly text: string; readonly at: number }

const COLUMNS: readonly ListColumn<Row>[] = [
  { key: 'name', header: 'NAME', plain: row => row.name },
  { key: 'text', header: 'TEXT', plain: row => row.text, isFlexible: true },
  { key: 'at', header: 'AT', align: 'right', plain: row => String(row.at), human: row => `${row.at} ms` },
]
const ROWS: readonly Row[] = [
  { name: '李雷', text: '我的发票还没收到', at: 5 },
  { name: 'visitor', text: 'is the store open on Sunday?\u001b[31m\nreally', at: 12_345 },
]

function capture(change: Partial<OutputOptions> & { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  let stdout = ''
  let stderr = ''
  const output = createOutput({
    stdout: { write: text => (stdout += text), isTTY: change.isTTY ?? false, columns: change.columns },
    stderr: { write: text => (stderr += text), isTTY: change.isTTY ?? false },
    environment: {},
    isJson: false,
    isPlain: false,
    isQuiet: false,
    noColor: false,
    ...change,
  })
  return { output, stdout: () => stdout, stderr: () => stderr }
}

describe('output', () => {
  test('piped: tab-separated, complete, without colours or header', async () => {
    const { output, stdout } = capture({ columns: 20, environment: { FORCE_COLOR: '1' } })
    output.line('a sentence')
    await output.list(COLUMNS, ROWS)
    output.facts([['a', '1', 'one']])
    const clean = 'is the store open on Sunday?\u{fffd}[31m really'
    assert.equal(stdout(), `李雷\t我的发票还没收到\t5\nvisitor\t${clean}\t12345\na\t1\n`)
  })

  test('at a terminal: a table that fits, wide characters aligned', async () => {
    const { output, stdout } = capture({ isTTY: true, columns: 36, noColor: true })
    await output.list(COLUMNS, ROWS)
    const lines = stdout().trimEnd().split('\n')
    assert.equal(lines[0], 'NAME     TEXT                     AT')
    assert.equal(lines.length, 3)
    for (const line of lines) assert.ok(displayWidth(line) <= 36, line)
    assert.ok(lines[1]!.includes('我的发票'), lines[1])
    assert.match(lines[2]!, /^visitor {2}is the store .*… +12345 ms$/)
  })

  test('at 80 columns nothing is cut, and nothing coloured with NO_COLOR or TERM=dumb', async () => {
    for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const { output, stdout } = capture({ isTTY: true, columns: 80, environment })
      await output.list(COLUMNS, ROWS)
      assert.ok(!stdout().includes('…') && !stdout().includes('\u001b'))
    }
    const colored = capture({ isTTY: true, columns: 80 })
    await colored.output.list(COLUMNS, ROWS)
    assert.ok(colored.stdout().includes('\u001b[1m'))
  })

  test('with JSON nothing but events is written, and warnings are collected', async () => {
    const { output, stdout, stderr } = capture({ isJson: true })
    output.line('x')
    output.facts([['a', '1']])
    output.raw('raw')
    output.note('note')
    output.warn('careful')
    await output.list(COLUMNS, ROWS)
    output.event({ type: 'ready' })
    assert.equal(stdout(), '{"type":"ready"}\n')
    assert.equal(stderr(), '')
    assert.deepEqual(output.warnings, ['careful'])
  })

  test('quiet drops notes, not answers and warnings', () => {
    const { output, stdout, stderr } = capture({ isQuiet: true })
    output.facts([['a', '1']])
    output.note('note')
    output.warn('careful')
    assert.equal(stdout(), 'a\t1\n')
    assert.equal(stderr(), 'Warning: careful\n')
  })

  test('an error ends with what to try', () => {
    const terminal = describeTerminal({}, {}, false)
    const exists = new KefuError('KEFU_CHANNEL_EXISTS', { name: 'shop' })
    const text = renderFailure(exists, exists.hint, terminal, false)
    assert.equal(
      text,
      'Error: the channel "shop" exists with other settings.\nCode:  KEFU_CHANNEL_EXISTS\nTry:   kefu channel show shop\n',
    )
    const cause = new TypeError('inner')
    const debug = renderFailure(new KefuError('KEFU_STORE_FULL', {}, { cause }), 'make room', terminal, true)
    assert.match(debug, /^KefuError: .+Caused by: TypeError: inner.+Try:/s)
  })

  test('a command that was not used as it can be names its own help', async t => {
    const { stderr } = await runKefu(['team', 'set', 'x'], { home: tmpDir(t) })
    assert.match(stderr, /Try: {3}kefu team set --help says what it takes\n$/)
  })

  test('a table of any text keeps one line per row', async () => {
    const terminal = describeTerminal({ isTTY: true, columns: 30 }, { NO_COLOR: '1' }, false)
    const text = await renderTable(
      [{ header: 'A', isFlexible: true }],
      [['x'.repeat(500)], ['界'.repeat(500)], ['']],
      terminal,
    )
    const lines = text.split('\n')
    assert.equal(lines.length, 5)
    for (const line of lines) assert.ok(displayWidth(line) <= 30, line)
  })
})

describe('words', () => {
  test('durations, sizes and counts as people read them', () => {
    assert.deepEqual([12, 450, 1_000, 108_000, 3_605_000, 273_840_000].map(wordsOfDuration), [
      '12ms',
      '0.5s',
      '1s',
      '1m 48s',
      '1h',
      '3d 4h',
    ])
    assert.deepEqual([0, 999, 1_000, 1_048_576, 3_328_599_654].map(wordsOfSize), [
      '0 B',
      '999 B',
      '1.0 KiB',
      '1.0 MiB',
      '3.1 GiB',
    ])
    assert.deepEqual([0, 999, 1_000, 18_402_113].map(groupDigits), ['0', '999', '1 000', '18 402 113'])
  })
})

describe('arguments', () => {
  test('global flags move behind the command', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['--home x status', 'status --home x'],
      ['--home=x --json -q agent list --limit 1', 'agent list --limit 1 --home=x --json -q'],
      ['--json chat x -- --json', 'chat x --json -- --json'],
      ['status --home x', 'status --home x'],
      ['--version', '--version'],
      ['--home', '--home'],
      ['--unknown status', '--unknown status'],
      ['', ''],
    ]
    for (const [given, expected] of cases)
      assert.deepEqual(arrangeArguments(given.split(' ')), expected.split(' '), given)
  })

  test('JSON is asked for by the flag before --, or the environment', () => {
    assert.equal(wantsJson(['status', '--json'], {}), true)
    assert.equal(wantsJson(['chat', '--', '--json'], {}), false)
    assert.equal(wantsJson([], { KEFU_CONTENT_TYPE: 'JSON' }), true)
  })
})

describe('reading a log', () => {
  test('the last lines, however long the file is', async t => {
    const path = join(tmpDir(t), 'daemon.log')
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} 你好`)
    writeFileSync(path, `${lines.join('\n')}\nunfinished`)
    for (const count of [0, 1, 3, 5_000, 20_000, 30_000])
      assert.deepEqual((await lastLines(path, count)).lines, count === 0 ? [] : lines.slice(-count), String(count))
    writeFileSync(path, '')
    assert.deepEqual((await lastLines(path, 5)).lines, [])
  })

  test('one that cannot be opened is said to be unreadable', async t => {
    const path = join(tmpDir(t), 'daemon.log')
    symlinkSync(path, path)
    await assert.rejects(lastLines(path, 1), /^KefuError: the log file .+ cannot be read: ELOOP$/)
  })

  test('following goes on after what was shown, and with the new file after a rename', async t => {
    const path = join(tmpDir(t), 'daemon.log')
    writeFileSync(path, 'one\ntwo\nthr')
    const { position } = await lastLines(path, 1)
    const seen: string[] = []
    const controller = new AbortController()
    const until = async (count: number) => {
      const deadline = performance.now() + 5_000
      while (seen.length < count) {
        assert.ok(performance.now() < deadline, seen.join())
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    }
    const following = followLog(path, position, line => seen.push(line), controller.signal)
    appendFileSync(path, 'ee\nfour\n')
    await until(2)
    appendFileSync(path, 'last of the old\n')
    renameSync(path, `${path}.1`)
    writeFileSync(path, 'first of the new\n')
    await until(4)
    controller.abort()
    await following
    assert.deepEqual(seen, ['three', 'four', 'last of the old', 'first of the new'])
  })
})
