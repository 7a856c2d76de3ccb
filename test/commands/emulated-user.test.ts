import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createEmulatedUser } from '../../src/commands/chat/_chat/emulated-user.js'
import { createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { serve } from '../emulator/rig.js'
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
    { kind: 'wechat-mp', baseUrl: origin, user: 'li' },
    { message: () => {}, typing: () => {} },
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
