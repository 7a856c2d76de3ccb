import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createEmulatedUser } from '../../src/commands/chat/_chat/emulated-user.js'
import { createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { callbackServer, SUCCESS, serve } from '../emulator/rig.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { until } from '../helpers/until.js'

test('a chat that has stood for long leaves no connection behind: its process can end', async t => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const emulator = createWechatMpEmulator()
  const { sent } = emulator.core
  let listening = 0
  const listen = sent.listen.bind(sent)
  t.mock.method(sent, 'listen', (listener: Parameters<typeof listen>[0]) => {
    const stop = listen(listener)
    listening++
    return () => {
      listening--
      stop?.()
    }
  })
  const { origin } = await serve(t, emulator)
  const user = createEmulatedUser(
    { channel: 'main', kind: 'wechat-mp', baseUrl: origin, user: 'li' },
    { message: () => {}, typing: () => {}, failedOnce: () => {} },
  )
  await user.ready()
  assert.equal(listening, 1)
  for (let round = 0; round < 10; round++) {
    collect()
    await turn()
  }
  await user.close()
  await until('the end of the stream', () => listening === 0)
})

test('what is refused is told after the first attempt, with what to do', async t => {
  const { user, callback, notes } = await talker(t)
  callback.answer({ status: 403, body: '{}' })
  await assert.rejects(user.say({ type: 'text', text: 'hello' }), {
    code: 'KEFU_EMULATOR_UNDELIVERED',
    message: 'the callback address did not take it: kefu answered 403',
    hint: /^kefu channel test main says what to change/,
  })
  assert.equal(callback.received.length, 1)
  assert.deepEqual(notes, [])
})

test('what may be taken later is told of, and waited for', async t => {
  const { user, callback, notes, clock } = await talker(t)
  callback.answer({ status: 503, body: '' }, SUCCESS)
  const said = user.say({ type: 'text', text: 'hello' })
  await until('the note', () => notes.length > 0)
  assert.deepEqual(notes, ['kefu answered 503'])
  clock.advance(5_000)
  assert.deepEqual(await said, { n: 1 })
  assert.equal(callback.received.length, 2)
})

/** A connected user of an emulator whose clock stands. */
async function talker(t: TestContext) {
  const callback = await callbackServer(t)
  const clock = createManualClock()
  const emulator = createWechatMpEmulator({}, { clock })
  emulator.core.pusher.setTarget(callback.url)
  const { origin } = await serve(t, emulator)
  const notes: string[] = []
  const user = createEmulatedUser(
    { channel: 'main', kind: 'wechat-mp', baseUrl: origin, user: 'li' },
    { message: () => {}, typing: () => {}, failedOnce: reason => notes.push(reason) },
  )
  t.after(() => user.close())
  await user.ready()
  return { user, callback, notes, clock }
}
