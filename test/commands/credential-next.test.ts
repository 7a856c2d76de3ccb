import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noteAfterSealing } from '../../src/commands/credential/_credential/next-step.js'
import type { ControlClient } from '../../src/daemon/control/client.js'
import { KefuError } from '../../src/errors.js'

/** What is said to come next, when a channel lacks some things. */
async function next(owner: string, answer: object | KefuError = {}): Promise<string[]> {
  const notes: string[] = []
  const call = async () => {
    if (answer instanceof KefuError) throw answer
    return answer
  }
  await noteAfterSealing({ note: text => notes.push(text) }, { call } as unknown as ControlClient, owner)
  return notes
}

test('after a credential comes what the channel still lacks, then a test', async () => {
  const platform = { callbackPath: '/', missingSettings: [] as string[], missingCredentials: [] as string[] }
  const lacking = (change: Partial<typeof platform>) => next('channel/shop', { platform: { ...platform, ...change } })
  assert.deepEqual(await lacking({ missingSettings: ['app-id'], missingCredentials: ['token'] }), [
    'Next: kefu channel set shop --set app-id=…',
  ])
  assert.deepEqual(await lacking({ missingCredentials: ['token', 'app-secret'] }), [
    'Next: kefu credential set shop token',
  ])
  assert.deepEqual(await lacking({}), ['Next: kefu channel test shop'])
})

test('what has no platform is looked at; what cannot be told of a channel is no failure', async () => {
  assert.deepEqual(await next('hook/crm'), ['Next: kefu hook test crm'])
  assert.deepEqual(await next('agent/helper'), ['Next: kefu agent show helper'])
  for (const answer of [{}, new KefuError('KEFU_CHANNEL_NOT_FOUND', { name: 'shop', suggestion: '' })])
    assert.deepEqual(await next('channel/shop', answer), ['Next: kefu credential list shop'])
})
