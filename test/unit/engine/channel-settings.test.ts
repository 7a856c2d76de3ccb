import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedVoice, VOICE_LIMITS } from '../../../src/daemon/engine/registry/channel-settings.js'
import { isKefuError } from '../../../src/errors.js'
import { Rig } from './rig.js'

test('replies, language and idle times of a channel are changed one by one, and are there after a restart', async () => {
  const rig = await Rig.create()
  const set = async (change: Parameters<Rig['channels']['set']>[1]) => (await rig.channels.set('site', change)).changed
  assert.equal(await set({ replies: [{ occasion: 'welcome', language: 'zh-hans', text: '您好' }] }), true)
  assert.equal(await set({ replies: [{ occasion: 'welcome', language: 'zh-Hans', text: '您好' }] }), false)
  assert.equal(await set({ language: 'zh', idle: { warnAfterMs: 60_000, closeAfterMs: 120_000 } }), true)
  await rig.stop()
  await rig.start()
  const { language, replies, idle } = rig.channels.show('site')
  assert.deepEqual(
    { language, replies, idle },
    {
      language: 'zh',
      replies: { 'zh-Hans': { welcome: '您好' } },
      idle: { warnAfterMs: 60_000, closeAfterMs: 120_000 },
    },
  )
  await set({ language: null, idle: null, replies: [{ occasion: 'welcome', language: 'zh-Hans', text: null }] })
  const { name, kind, ...rest } = rig.channels.show('site')
  assert.ok(!('language' in rest) && !('replies' in rest) && !('idle' in rest))
  await rig.stop()
})

test('what makes no sense is refused', () => {
  const refusals: readonly Parameters<typeof changedVoice>[1][] = [
    { language: 'not a tag' },
    { replies: [{ occasion: 'welcome', language: '', text: 'x' }] },
    { replies: [{ occasion: 'welcome', language: 'zh', text: '' }] },
    { replies: [{ occasion: 'welcome', language: 'zh', text: '长'.repeat(VOICE_LIMITS.textLength + 1) }] },
    { idle: { warnAfterMs: 60_000 } },
    { idle: { warnAfterMs: 60_000, closeAfterMs: 60_000 } },
    { idle: { closeAfterMs: 0 } },
  ]
  for (const change of refusals)
    assert.throws(
      () => changedVoice({}, change),
      error => isKefuError(error, 'KEFU_USAGE'),
      JSON.stringify(change),
    )
})
