import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLog } from '../../../src/daemon/observe/log.js'
import { createFileSink } from '../../../src/daemon/observe/log-sinks.js'
import { KefuError } from '../../../src/errors.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

function setUp(level: 'debug' | 'info' = 'info') {
  const written: string[] = []
  let nowMs = 0
  const log = createLog(level, { write: line => void written.push(line) }, () => nowMs)
  return {
    log,
    lines: () => written.map(line => JSON.parse(line) as Record<string, unknown>),
    written,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

test('one event is one JSON line with time, level, event and fields', () => {
  const { log, lines, written } = setUp()
  log.info('daemon.ready', { port: 8787, text2: 'a\nb\u001b[2J' })
  log.debug('hidden')
  assert.equal(written.length, 1)
  assert.equal(written[0]?.indexOf('\n'), written[0]!.length - 1)
  assert.ok(!written[0]?.includes('\u001b'))
  const { time, ...rest } = lines()[0]!
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.+Z$/)
  assert.deepEqual(rest, { level: 'info', event: 'daemon.ready', port: 8787, text2: 'a\nb\u001b[2J' })
})

test('the level can be changed while it runs', () => {
  const { log, lines } = setUp()
  log.setLevel('debug')
  log.debug('one')
  log.setLevel('error')
  log.warn('two')
  log.error('three')
  assert.deepEqual(
    lines().map(line => line.event),
    ['one', 'three'],
  )
})

test('errors are written as code and sentence, bugs with their stack', () => {
  const { log, lines } = setUp()
  log.error('a', { error: new KefuError('KEFU_STORE_FULL') })
  log.error('b', { error: new TypeError('oops') })
  const [known, bug] = lines()
  assert.equal(known?.code, 'KEFU_STORE_FULL')
  assert.equal(known?.stack, undefined)
  assert.equal(bug?.code, 'KEFU_INTERNAL')
  assert.match(String(bug?.stack), /TypeError: oops\n/)
})

test('fields that hold secrets or what people wrote are not written', () => {
  const { log, written } = setUp()
  log.info('x', {
    token: 'kat_canary',
    hello: { token: 'kat_canary', identitySecret: 'canary' },
    body: { text: 'canary' },
  })
  assert.ok(!written.join('').includes('canary'), written.join(''))
})

test('a long field is cut, a long line is replaced', () => {
  const { log, lines, written } = setUp()
  log.info('long', { reason: 'x'.repeat(100_000) })
  log.info('huge', { list: Array.from({ length: 10_000 }, (_, index) => index) })
  assert.ok(written.every(line => line.length <= 8 * 1024))
  assert.equal(lines()[1]?.event, 'huge')
  assert.ok(Number(lines()[1]?.truncated) > 8 * 1024)
})

test('a flood is cut to 200 lines a second and counted', () => {
  const { log, lines, advance } = setUp()
  for (let count = 0; count < 1000; count++) log.warn('flood')
  assert.equal(lines().length, 200)
  advance(1000)
  log.info('after')
  assert.deepEqual(
    lines()
      .slice(200)
      .map(({ event, lines: dropped }) => [event, dropped]),
    [
      ['log.dropped', 800],
      ['after', undefined],
    ],
  )
  for (let count = 0; count < 300; count++) log.warn('flood')
  log.close()
  assert.equal(lines().at(-1)?.event, 'log.dropped')
})

test('a log file is for its owner alone, is renamed when full, and a few old ones are kept', t => {
  const folder = tmpDir(t)
  const path = join(folder, 'daemon.log')
  const sink = createFileSink(path, 100)
  for (let count = 0; count < 12; count++) sink.write(`${String(count).padStart(39, '.')}\n`)
  sink.close?.()
  assert.deepEqual(readdirSync(folder).sort(), ['daemon.log', 'daemon.log.1', 'daemon.log.2', 'daemon.log.3'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(readFileSync(path, 'utf8'), /10\n.*11\n$/)
  assert.match(readFileSync(`${path}.1`, 'utf8'), /8\n.*9\n$/)
  const again = createFileSink(path, 100)
  again.write('next\n')
  again.close?.()
  assert.match(readFileSync(path, 'utf8'), /11\nnext\n$/)
})

test('a log that cannot be written goes on when it can be again', t => {
  const folder = join(tmpDir(t), 'logs')
  writeFileSync(folder, '')
  assert.throws(() => createFileSink(join(folder, 'daemon.log')), /KEFU_STORE_UNWRITABLE|cannot be written/)
  const sink = createFileSink('/dev/full')
  sink.write('lost\n')
  sink.close?.()
  sink.write('opens again, and is lost again\n')
  sink.close?.()
})
