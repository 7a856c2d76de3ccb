import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { confirm } from '../../src/commands/_cli/prompt.js'
import { isKefuError } from '../../src/errors.js'

function ask(text: string): Promise<boolean> {
  const input = new PassThrough()
  input.end(text)
  return confirm('Remove it?', { isAgreed: false, mayAsk: true, input, output: new PassThrough() })
}

test('only yes is a yes, and every other answer is no error', async () => {
  for (const [answer, expected] of [
    ['y', true],
    [' YES ', true],
    ['n', false],
    ['', false],
    ['yep', false],
  ] as const)
    assert.equal(await ask(`${answer}\n`), expected, answer)
})

test('an input that ends without an answer is an interruption', async () => {
  await assert.rejects(ask(''), error => isKefuError(error, 'KEFU_ABORTED'))
})
