import fc from 'fast-check'
import { codePoint } from '../../../helpers/arbitraries.js'

/** Characters that folding treats in every way it knows. */
const CHARACTERS = [
  ...'abcXYZ019 .,-/("\\\n\0',
  ...'订单你好，。！　（）“”',
  ...'ＡＢｚ０９ｶﾞｷﾟガ゛゙',
  ...'ßẞςσΣİıſKÅŉǰΐᾳᾲͅΩ',
  ...'ﬁﬃ①㈱㎏½…™´¨',
  ...'éÈüñç',
  ...'\u0301\u0307\u0308\u0327\u0345\u3099\u200d\ufe0f',
  ...'ㄱㅏㅋㄳ가각각ￂﾡ',
  ...'😀👩💻🏻🇨🇳❤',
  '👩‍💻',
  '👍🏽',
  '\u{16d63}',
  '\u{16d67}',
  '\ud83d',
  '\ude00',
  '\ud800',
  '\udfff',
]

/** A text of up to `length` of them. */
export function nastyText(length = 12): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...CHARACTERS) }, codePoint()), { maxLength: length })
    .map(pieces => pieces.join(''))
}

/** Every code point of the planes in use that Unicode has given a meaning, but ideographs and halves of pairs. */
export function assignedCodePoints(): string[] {
  const found: string[] = []
  for (let code = 0; code < 0xe_0200; code++) {
    if (code === 0x4_0000) code = 0xe_0000
    const character = String.fromCodePoint(code)
    if (!/^[\p{Cn}\p{Co}\p{Cs}\p{Unified_Ideograph}]$/u.test(character)) found.push(character)
  }
  return found
}
