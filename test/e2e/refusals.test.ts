import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { WIRE_LIMITS } from '../../src/codec/wire.js'
import { kefuFails } from '../helpers/cli.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Answer = { readonly kind: string; readonly body: { readonly code?: string; readonly retryable?: boolean } }

/** A visitor who says hello and sends texts one by one; their answers. */
async function answersTo(url: string, texts: readonly string[]): Promise<Answer[]> {
  const socket = new WebSocket(url, 'kefu.v1.json')
  const waiting: ((answer: Answer) => void)[] = []
  socket.on('message', bytes => {
    const frame = JSON.parse(String(bytes)) as Answer & { correlation: number }
    if (frame.correlation !== 0) waiting.shift()?.(frame)
  })
  const ask = (kind: string, body: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      waiting.push(resolve)
      socket.once('close', code => reject(new Error(`closed with ${code}`)))
      socket.send(JSON.stringify({ kind, correlation: 1, body }))
    })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  try {
    await ask('hello', { channel: 'site' })
    const answers: Answer[] = []
    for (const [index, text] of texts.entries())
      answers.push(await ask('message', { id: `m-${index}`, parts: [{ type: 'text', text }] }))
    return answers
  } finally {
    socket.removeAllListeners('close')
    socket.terminate()
  }
}

test('a text that is too long is too large, not a broken frame, however often it is tried; a lost secret is not replaced', async t => {
  const home = tmpDir(t)
  const daemon = await DaemonProcess.start({ home, config: LOAD_TEST_CONFIG })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const long = [WIRE_LIMITS.messageBytes, WIRE_LIMITS.messageBytes + 1, 60_000].map(length => 'a'.repeat(length))
  const answers = await answersTo(await daemon.socketUrl(), ['hello', ...long, ...long, ...long, ...long, 'bye'])
  assert.deepEqual([answers[0]?.kind, answers.at(-1)?.kind], ['ack', 'ack'])
  for (const { kind, body } of answers.slice(1, -1))
    assert.deepEqual([kind, body.code, body.retryable], ['error', 'KEFU_MESSAGE_TOO_LARGE', false])
  assert.equal(await daemon.stop(), 0)

  rmSync(join(home, 'server.secret'))
  const expected = { code: 'KEFU_SECRET_UNSAFE', exit: 12, message: /server\.secret cannot be used: it is missing/ }
  await kefuFails(['daemon', 'start'], expected, { home })
})
