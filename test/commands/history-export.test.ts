import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { toFile } from '../../src/commands/history/_history/export-file.js'
import { csvLine } from '../../src/commands/history/_history/export-formats.js'
import { createExportWriter, type ExportOptions } from '../../src/commands/history/_history/export-writer.js'
import { isKefuError } from '../../src/errors.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const CONVERSATION = 'c_9GRRRSB0N9BXY3NDHN5VTC3694'

function record(seq: number, text: string, more: object = {}): object {
  return {
    type: 'record',
    conversation: CONVERSATION,
    n: seq,
    seq,
    at: Date.UTC(2026, 10, 16, 8),
    channel: 'shop',
    kind: 'web',
    contact: 'v_1',
    name: '李雷',
    body: { type: 'message', by: { role: 'contact' }, parts: [{ type: 'text', text }], ...more },
  }
}

const lines = (...events: object[]): Buffer => Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join(''))
const END = { type: 'end', cursor: '0:9', records: 2 }

async function exported(options: Partial<ExportOptions>, ...chunks: Buffer[]) {
  const written: Buffer[] = []
  const target = { write: async (bytes: Uint8Array) => void written.push(Buffer.from(bytes)) }
  const writer = createExportWriter({ format: 'ndjson', redactions: [], hasByteOrderMark: false, target, ...options })
  const progress: number[][] = []
  await writer.begin()
  for (const chunk of chunks) await writer.take(chunk, (...step) => progress.push(step))
  return { text: Buffer.concat(written).toString(), progress, writer }
}

describe('the lines of an export', () => {
  test('records go on as they are, between a line that names the format and one that names the end', async () => {
    const progress = { type: 'progress', done: 5, total: 9 }
    const chunks = [lines(record(3, '一'), progress, record(5, '二')), lines(progress), lines(record(7, '三'), END)]
    const { text, progress: told, writer } = await exported({}, ...chunks)
    const head = { type: 'export', version: 1 }
    const wanted = lines(head, record(3, '一'), record(5, '二'), record(7, '三'), { ...END, records: 3 })
    assert.equal(text, wanted.toString())
    assert.deepEqual(told, [
      [5, 9],
      [5, 9],
    ])
    assert.deepEqual([writer.records, writer.last, writer.end], [3, '0:7', END])
  })

  test('what is redacted says so at the top', async () => {
    const { text } = await exported({ redactions: ['phone'] }, lines(record(1, '电话 13812345678'), END))
    const [head, first] = text.split('\n').map(line => (line === '' ? {} : JSON.parse(line)))
    assert.deepEqual(head, { type: 'export', version: 1, redacted: ['phone'] })
    assert.deepEqual(first, record(1, '电话 [phone]'))
  })

  test('csv: a line each, references to files, redacted words', async () => {
    const image = {
      parts: [
        { type: 'image', media: 'm_1', name: 'a.png' },
        { type: 'text', text: '=1+1' },
      ],
    }
    const options = { format: 'csv', hasByteOrderMark: true, redactions: ['email'] } as const
    const { text } = await exported(options, lines(record(1, '=cmd|a@example.com'), record(2, '', image), END))
    const [head, first, second, end] = text.split('\r\n')
    assert.equal(head, '\u{feff}time,conversation,n,channel,kind,contact,name,type,role,author,text,media')
    const place = `2026-11-16T08:00:00.000Z,${CONVERSATION}`
    assert.equal(first, `${place},1,shop,web,v_1,李雷,message,contact,李雷,'=cmd|[email],`)
    assert.equal(second, `${place},2,shop,web,v_1,李雷,message,contact,李雷,"[image a.png m_1]\n=1+1",m_1`)
    assert.equal(end, '')
  })

  test('markdown: one heading per conversation, and nothing that somebody wrote is markup', async () => {
    const evil = '# no heading\n<script> ![x](http://e) **b** `c`'
    const { text } = await exported({ format: 'markdown' }, lines(record(1, evil), record(2, 'two'), END))
    assert.equal(text.match(/^## /gm)?.length, 1)
    assert.equal(text.match(/^#/gm)?.length, 2)
    assert.doesNotMatch(text, /(?<!\\)(?:<script|!\[|\*\*b)/)
    assert.match(text, /> two\n/)
  })
})

test('no cell of a table is a formula, and every cell comes back', () => {
  for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '=1', '+1', '-1', '@x'])
    assert.match(csvLine([formula]), /^"?'/, formula)
  assert.equal(csvLine(['a,b', 'say "hi"', 'two\nlines', '', '1-2=3']), '"a,b","say ""hi""","two\nlines",,1-2=3\r\n')
})

describe('the file of an export', () => {
  test('has its name when it is complete, and is for its owner alone', async t => {
    const path = join(tmpDir(t), 'a.ndjson')
    writeFileSync(path, 'before')
    const target = await toFile(path)
    await target.write(Buffer.from('one\n'))
    assert.equal(readFileSync(path, 'utf8'), 'before')
    await target.write(Buffer.from('two\n'))
    await target.complete()
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(existsSync(`${path}.partial`), false)
  })

  test('what was interrupted stays, and is not written over', async t => {
    const path = join(tmpDir(t), 'a.ndjson')
    const target = await toFile(path)
    await target.write(Buffer.from('one\n'))
    assert.equal(await target.leave(), `${path}.partial`)
    assert.equal(readFileSync(`${path}.partial`, 'utf8'), 'one\n')
    assert.equal(existsSync(path), false)
    await assert.rejects(toFile(path), error => isKefuError(error, 'KEFU_FILE_EXISTS'))
    await assert.rejects(toFile(join(path, 'no', 'folder')), error => isKefuError(error, 'KEFU_STORE_UNWRITABLE'))
  })
})
