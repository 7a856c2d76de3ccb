import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { OutboxResult } from '../../src/daemon/core/ports.js'
import { kefuFails, kefuFailsInWords, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { fillOutboxOf } from '../helpers/outbox-home.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type List = {
  readonly totals: Readonly<Record<string, number>>
  readonly messages: readonly { readonly id: string; readonly state: string; readonly text: string }[]
  readonly next?: string
}
type Done = {
  readonly messages: readonly {
    readonly id: string
    readonly changed: boolean
    readonly error?: { readonly code: string }
  }[]
  readonly changed: number
  readonly failed: number
}
type Status = { readonly outbox: Readonly<Record<string, number>>; readonly warnings: readonly string[] }

const config = 'http:\n  port: 0\n'
const dead: OutboxResult = { type: 'dead', reason: 'refused: 45015' }
const unknown: OutboxResult = { type: 'unknown', reason: 'timed out' }
const retry: OutboxResult = { type: 'retry', retryMs: 3_600_000, reason: 'busy' }

/** In the order of this file: each test leaves to the next what it did not steer. */
describe('the outbox from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  let daemon: DaemonProcess
  let ids: ConversationId[]
  let gone: ConversationId

  before(async () => {
    daemon = await DaemonProcess.start({ home, config })
    await daemon.control('channel.add', { kind: 'app', name: 'wechat' })
    await daemon.control('channel.add', { kind: 'app', name: 'old' })
    const empty = await runKefu(['outbox', 'list'], options)
    assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, '', ''])
    assert.doesNotMatch((await runKefu(['status'], options)).stdout, /^outbox/m)
    await daemon.stop()
    ids = await fillOutboxOf(home, 1, [
      [
        { text: 'It has shipped', result: dead },
        { text: 'It arrives\ton Monday', result: unknown },
      ],
      [{ text: 'One moment', result: retry }],
      [{ text: 'Are you there?', result: { type: 'park', reason: 'window closed' } }],
    ])
    ;[gone] = (await fillOutboxOf(home, 2, [[{ text: 'Goodbye', result: dead }]])) as [ConversationId]
    daemon = await DaemonProcess.start({ home, config })
    await daemon.control('channel.remove', { name: 'old' })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  const list = (...words: string[]) => kefuJson<List>(['outbox', 'list', ...words], options)

  test('list shows rows, totals and pages; status says what is in it and warns of what was given up', async () => {
    const fields = ['--fields', 'channel,contact,message,state,attempts,reason,id']
    const [rows, all, page, status, lines] = await Promise.all([
      runKefu(['outbox', 'list', ...fields], options),
      list(),
      list('--limit', '2', '--state', 'dead', '--state', 'due'),
      kefuJson<Status>(['status'], options),
      runKefu(['status'], options),
    ])
    assert.equal(rows.stderr, `Next: kefu outbox retry ${ids[0]}:3, or kefu outbox drop\n`)
    assert.deepEqual(rows.stdout.split('\n').slice(0, 5), [
      `wechat\tcontact-0\tIt has shipped\tdead\t1\trefused: 45015\t${ids[0]}:3`,
      `wechat\tcontact-0\tIt arrives on Monday\tunknown\t1\ttimed out\t${ids[0]}:4`,
      `wechat\tcontact-1\tOne moment\tretrying\t1\tbusy\t${ids[1]}:3`,
      `wechat\tcontact-2\tAre you there?\tparked\t1\twindow closed\t${ids[2]}:3`,
      `wechat\tcontact-0\tlast\tdue\t0\t\t${ids[0]}:5`,
    ])
    const totals = { due: 4, retrying: 1, sending: 0, parked: 1, unknown: 1, dead: 2 }
    assert.deepEqual([all.totals, all.messages.length, all.next], [totals, 9, undefined])
    assert.deepEqual(
      page.messages.map(({ state }) => state),
      ['dead', 'due'],
    )
    const rest = await list('--limit', '5', '--state', 'dead', '--state', 'due', '--cursor', page.next!)
    assert.deepEqual([rest.messages.length, rest.next], [4, undefined])
    assert.deepEqual(status.outbox, totals)
    assert.match(status.warnings.join(), /^2 messages were given up .*: kefu outbox list --state dead$/)
    assert.match(lines.stdout, /^outbox\t4 1 0 1 1 2$/m)
  })

  test('what is asked for wrongly is refused', async () => {
    const usage = { code: 'KEFU_USAGE', exit: 2 }
    const id = `${ids[0]}:3`
    await Promise.all([
      kefuFails(['outbox', 'list', '--cursor', 'x'], usage, options),
      kefuFails(['outbox', 'list', '--fields', 'reson'], { ...usage, message: /"reason"/ }, options),
      kefuFails(['outbox', 'list', '--channel', 'nobody'], { code: 'KEFU_CHANNEL_NOT_FOUND', exit: 13 }, options),
      kefuFails(['outbox', 'retry'], usage, options),
      kefuFails(['outbox', 'retry', '--all', id], usage, options),
      kefuFails(['outbox', 'retry', id, '--state', 'dead'], usage, options),
      kefuFails(['outbox', 'retry', ids[0]!], { ...usage, message: /not the id of a message/ }, options),
      kefuFailsInWords(['outbox', 'retry', `${ids[0]}:99`], { code: 'KEFU_OUTBOX_NOT_FOUND', exit: 13 }, options),
      kefuFailsInWords(['outbox', 'retry', `${ids[0]}:4`], { code: 'KEFU_OUTBOX_UNKNOWN', exit: 14 }, options),
      kefuFails(['outbox', 'retry', `${ids[2]}:3`], { code: 'KEFU_OUTBOX_STATE', exit: 14 }, options),
      kefuFails(['outbox', 'retry', `${gone}:3`], { code: 'KEFU_CHANNEL_NOT_FOUND', exit: 13 }, options),
      kefuFails(['outbox', 'drop', id], { code: 'KEFU_INPUT_NEEDED', exit: 2 }, options),
      kefuFails(['outbox', 'drop', '--all'], { code: 'KEFU_INPUT_NEEDED', exit: 2 }, options),
    ])
    assert.equal((await list()).messages.length, 9)
  })

  test('retry queues what was given up, once; what may have been sent on an explicit word', async () => {
    const first = await runKefu(['outbox', 'retry', `${ids[0]}:3`], options)
    assert.deepEqual([first.code, first.stdout], [0, `${ids[0]}:3\tqueued\n`])
    const again = await kefuJson<Done>(['outbox', 'retry', `${ids[0]}:3`], options)
    assert.deepEqual([again.changed, again.failed], [0, 0])
    const risky = await kefuJson<Done>(
      ['outbox', 'retry', '--all', '--channel', 'wechat', '--state', 'unknown'],
      options,
    )
    assert.deepEqual(risky, { messages: [{ id: `${ids[0]}:4`, changed: true }], changed: 1, failed: 0 })
    const states = (await list('--channel', 'wechat')).messages.map(({ id, state }) => `${id} ${state}`)
    assert.deepEqual(states.slice(0, 2), [`${ids[0]}:3 due`, `${ids[0]}:4 due`])
  })

  test('drop gives up what is named, or all of a state and channel, also of one that was removed', async () => {
    const some = await runKefu(['outbox', 'drop', '-y', `${ids[0]}:3`, `${ids[0]}:99`], options)
    assert.equal(some.code, 4)
    assert.equal(some.stdout, `${ids[0]}:3\tdropped\n${ids[0]}:99\tKEFU_OUTBOX_NOT_FOUND\n`)
    assert.match(some.stderr, /^Warning: message 99 of .* is not in the outbox; kefu outbox list\n/)
    const old = await kefuJson<Done>(['outbox', 'drop', '--all', '--channel', '2', '-y'], options)
    assert.deepEqual(old.messages, [{ id: `${gone}:3`, changed: true }])
    const parked = ['--state', 'parked', '--state', 'retrying']
    const more = await kefuJson<Done>(['outbox', 'drop', '--all', '-y', ...parked], options)
    assert.deepEqual([more.changed, more.failed], [2, 0])
    const left = await list()
    assert.deepEqual(new Set(left.messages.map(({ state }) => state)), new Set(['due']))
    assert.equal(left.messages.length, 5)
  })

  test('all of it holds when the daemon is killed, and its log says who did what', async () => {
    const before = await list()
    await daemon.kill()
    daemon = await DaemonProcess.start({ home, config })
    assert.deepEqual(await list(), before)
    const log = readFileSync(join(home, 'daemon.log'), 'utf8')
    assert.match(log, new RegExp(`"event":"outbox.retried","by":"operator","count":1,"messages":\\["${ids[0]}:3"\\]`))
    assert.match(log, new RegExp(`"event":"outbox.dropped","by":"operator","count":1,"messages":\\["${gone}:3"\\]`))
  })
})
