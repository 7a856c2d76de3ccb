import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CANNED_LIMITS, cannedLanguage, cannedText, filledText } from '../../../src/daemon/core/canned.js'
import { closestTags } from '../../../src/daemon/core/languages.js'
import { isKefuError } from '../../../src/errors.js'

const NAMES = { contact: '李雷', agent: '小王' }
const refused = (pattern: RegExp) => (error: unknown) => isKefuError(error, 'KEFU_USAGE') && pattern.test(error.message)

describe('texts', () => {
  test('take the names of contact and agent, as often as they are asked for', () => {
    const text = cannedText('您好 {contact},我是{agent}。\n{contact}?')
    assert.equal(filledText(text, NAMES), '您好 李雷,我是小王。\n李雷?')
    assert.equal(filledText('{contact}', { ...NAMES, contact: '' }), '')
  })

  test('with a placeholder that nobody would fill are refused, and other braces are text', () => {
    for (const name of ['name', 'Contact', ' contact', 'contact_name', '', '客户', 'toString'])
      assert.throws(
        () => cannedText(`Hi {${name}}!`),
        refused(/is not a placeholder: there are \{contact\} and \{agent\}/),
      )
    for (const text of ['{"a": 1}', '} {', '{contact', 'function () { return 1; }'])
      assert.equal(filledText(cannedText(text), NAMES), text)
  })

  test('what a name holds is never filled itself', () => {
    assert.equal(filledText('{contact}', { contact: '{agent} $&', agent: 'x' }), '{agent} $&')
  })

  test('have a length, in characters and in bytes', () => {
    assert.equal(cannedText('x'.repeat(4_000)).length, 4_000)
    assert.throws(() => cannedText('x'.repeat(4_001)), refused(/4000 characters/))
    assert.throws(() => cannedText('李'.repeat(3_999)), refused(/bytes/))
    assert.throws(() => cannedText(' \n '), refused(/needs a text/))
    assert.throws(() => cannedText('a\u0000'), refused(/printable/))
    assert.throws(() => cannedText('a\ud800'), refused(/printable/))
    assert.equal(cannedText('👩‍👩‍👧 a\tb\nc'), '👩‍👩‍👧 a\tb\nc')
  })

  test('that would not fit into a message when they are filled are none', () => {
    const text = cannedText('{contact}'.repeat(400))
    assert.equal(filledText(text, { ...NAMES, contact: '李'.repeat(100) }), undefined)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), contact => {
        const filled = filledText(text, { ...NAMES, contact })
        assert.ok(filled === undefined || Buffer.byteLength(filled) <= CANNED_LIMITS.textBytes)
      }),
      { numRuns: 50 },
    )
  })
})

test('the text is in the closest language, then in that of the channel, then the first', () => {
  const reply = (...tags: string[]) => ({
    name: 'x',
    texts: Object.fromEntries(tags.map(tag => [tag, tag])),
    createdAt: 1,
  })
  assert.equal(cannedLanguage(reply('', 'en', 'zh'), 'zh-Hans-CN', 'en'), 'zh')
  assert.equal(cannedLanguage(reply('', 'en', 'zh', 'zh-Hans'), 'zh-Hans-CN', 'en'), 'zh-Hans')
  assert.equal(cannedLanguage(reply('', 'en', 'zh'), 'fr', 'en-GB'), 'en')
  assert.equal(cannedLanguage(reply('', 'en', 'zh'), 'fr', undefined), '')
  assert.equal(cannedLanguage(reply('en', 'zh'), undefined, undefined), 'en')
  assert.deepEqual(closestTags(['zh-Hans-CN', undefined, 'en']), ['zh-Hans-CN', 'zh-Hans', 'zh', 'en'])
})
