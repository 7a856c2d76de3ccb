import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { readText } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'

/** The kefu commands of the code block behind a heading, as words. */
function commandsUnder(file: string, heading: string): string[][] {
  const [, section = ''] = readText(file).split(`\n## ${heading}\n`)
  const [, block = ''] = section.split('```')
  return block
    .split('\n')
    .filter(line => line.startsWith('kefu '))
    .map(line => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2]!).slice(1))
}

for (const [file, heading] of [
  ['README.md', 'Who answers what'],
  ['README.zh-CN.md', '谁来接待'],
] as const)
  test(`the set-up in ${file} works as it is written, line after line`, async t => {
    const home = tmpDir(t)
    const daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
    t.after(() => daemon.kill())
    await kefuJson(['channel', 'add', 'web', 'shop'], { home })
    await kefuJson(['agent', 'add', 'xiaowang'], { home })
    const commands = commandsUnder(file, heading)
    assert.ok(commands.length >= 5)
    for (const words of commands) {
      const placed = words.map(word => (word.endsWith('.token') ? join(home, word) : word))
      const { code, stderr } = await runKefu(placed, { home })
      assert.equal(code, 0, `kefu ${words.join(' ')}: ${stderr}`)
    }
  })
