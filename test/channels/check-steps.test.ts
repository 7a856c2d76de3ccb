import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failedStep } from '../../src/daemon/channels/check-steps.js'
import { KefuError } from '../../src/errors.js'

test('what to do is said once: not in the reason as well', () => {
  const nextStep = 'copy the AppSecret again'
  const reason = `errcode 40125: the AppSecret is wrong: ${nextStep} (rid 1)`
  const error = new KefuError('KEFU_PLATFORM_REFUSED', { reason, nextStep })
  assert.deepEqual(failedStep('access token', error), {
    ...{ step: 'access token', result: 'failed', nextStep },
    reason: 'the platform says no: errcode 40125: the AppSecret is wrong (rid 1)',
  })
  const other = failedStep('access token', new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'app-secret' }))
  assert.deepEqual(other, {
    ...{ step: 'access token', result: 'failed', reason: 'the credential app-secret is not set' },
    nextStep: 'kefu credential set CHANNEL app-secret',
  })
})
