import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { readHidden, readHiddenTwice } from '../../src/commands/_cli/hidden-prompt.js'
import { isKefuError } from '../../src/errors.js'

/** A terminal at which somebody types, and what it shows. */
function terminal() {
  const modes: boolean[] = []
  const keyboard = Object.assign(new PassThrough(), { setRawMode: (isRaw: boolean) => modes.push(isRaw) })
  let shown = ''
  const screen = new PassThrough().on('data', chunk => (shown += String(chunk)))
  return { keyboard, screen, modes, shown: () => shown }
}

function ask(...typed: (string | Buffer)[]) {
  const { keyboard, screen, modes, shown } = terminal()
  for (const text of typed) keyboard.write(text)
  keyboard.end()
  const answer = readHidden('the value', keyboard, screen).finally(() => {
    assert.deepEqual(modes, [true, false])
    assert.equal(shown(), 'the value (input hidden): \n')
  })
  return { answer, shown }
}

describe('a hidden prompt', () => {
  test('takes a line as it was meant, and shows nothing of it', async () => {
    const bytes = Buffer.from('汉字')
    for (const [typed, meant] of [
      [['secret\r'], 'secret'],
      [['sec', 'ret\n'], 'secret'],
      [['secret\r\n'], 'secret'],
      [['wrong\u0015secret\r'], 'secret'],
      [['sexx\b\u007fcret\r'], 'secret'],
      [['\u007f\r'], ''],
      [[bytes.subarray(0, 2), bytes.subarray(2), '\r'], '汉字'],
      [['汉\u{1f600}\u007f字\r'], '汉字'],
    ] as const)
      assert.equal(await ask(...typed).answer, meant)
  })

  test('is ended by Ctrl-C, by Ctrl-D on nothing, and by a terminal that goes away', async () => {
    for (const typed of ['abc\u0003', '\u0004', 'abc'])
      await assert.rejects(ask(typed).answer, error => isKefuError(error, 'KEFU_ABORTED'))
    assert.equal(await ask('a\u0004b\r').answer, 'ab')
  })

  test('refuses more than a line, and more than fits, without repeating it', async () => {
    for (const typed of ['canary1\rcanary2\r', `${'canary'.repeat(4_000)}\r`])
      await assert.rejects(
        ask(typed).answer,
        error => isKefuError(error, 'KEFU_USAGE') && !/canary/.test(error.message),
      )
  })

  test('asked twice, the two have to be the same', async () => {
    for (const [second, isSame] of [
      ['secret', true],
      ['sekret', false],
    ] as const) {
      const { keyboard, screen, shown } = terminal()
      const answer = readHiddenTwice('a passphrase', keyboard, screen)
      keyboard.write('secret\r')
      await new Promise<void>(resolve => {
        screen.on('data', () => shown().includes('again') && resolve())
      })
      keyboard.write(`${second}\r`)
      if (isSame) assert.equal(await answer, 'secret')
      else await assert.rejects(answer, error => isKefuError(error, 'KEFU_USAGE'))
    }
  })
})
