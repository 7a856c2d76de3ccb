import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { importLinesOf } from '../../src/commands/history/_history/import-lines.js'
import { isKefuError } from '../../src/errors.js'
import { tmpDir } from '../helpers/tmp-dir.js'

async function linesOf(t: TestContext, text: string | Buffer) {
  const file = join(tmpDir(t), 'a.ndjson')
  writeFileSync(file, text)
  const found = []
  let bytes = 0
  for await (const line of importLinesOf(file, read => (bytes = read))) found.push(line)
  assert.equal(bytes, Buffer.byteLength(text))
  return found
}

test('lines have their numbers and values, with whatever ends them', async t => {
  assert.deepEqual(await linesOf(t, '\u{feff}{"a":"一"}\r\n\n[2]\n3'), [
    { number: 1, value: { a: '一' } },
    { number: 3, value: [2] },
    { number: 4, value: 3 },
  ])
  assert.deepEqual(await linesOf(t, ''), [])
})

test('a line that is no JSON, cut short, or without end, is told and passed over', async t => {
  const endless = '9'.repeat(1_000_000)
  const found = await linesOf(t, `{"a":\n${endless}\n"ok"\n"${endless}"\n{"b"`)
  assert.deepEqual(
    found.map(line => [line.number, 'reason' in line ? line.reason : line.value]),
    [
      [1, 'it is not JSON'],
      [2, 'longer than 262144 characters'],
      [3, 'ok'],
      [4, 'longer than 262144 characters'],
      [5, 'it is not JSON'],
    ],
  )
})

test('characters that are cut between two readings are whole', async t => {
  const text = '李'.repeat(80_000)
  assert.deepEqual(await linesOf(t, `"a${text}"\n`), [{ number: 1, value: `a${text}` }])
})

test('a file that cannot be read is a usage error', async t => {
  const reading = importLinesOf(join(tmpDir(t), 'none'), () => undefined).next()
  await assert.rejects(reading, error => isKefuError(error, 'KEFU_USAGE'))
})
