/**
 * How texts are compared: folded. Two texts that people take for the same (letters of either case, full-width and half-width, composed and decomposed) become the
 * same text. A literal is found in a text where the folded text contains the folded literal: nothing else is meant by "found" anywhere.
 */

/** Names what folding does: the version of the rules below and of the Unicode tables of this program. Folded texts that are kept are folded anew when it changes. */
export const FOLDING = `1/${process.versions.unicode}`

/** Longest text whose codes are passed as arguments. */
const SHORT_LENGTH = 1024

const NONE = 0
const REPLACEMENT = 0xfffd
const ZERO_WIDTH_JOINER = 0x200d
const EMOJI_STYLE = 0xfe0f

/**
 * For each unit of UTF-16 that folds to one unit whatever stands around it, that unit; `NONE` for others. Most of what is written in Chinese and in plain English
 * consists of them.
 */
const SINGLES = createSingles()

/**
 * The text in the form in which texts are compared: NFKC, and full folding of case that does not depend on context (ß is ss, every sigma is σ). Well-formed, without
 * U+0000 (U+FFFD stands for it, and for halves of pairs); as long as something was there, not empty. Idempotent; texts apart by line feeds fold to the same together
 * and one by one. A text that is folded already is returned as it is.
 */
export function foldText(text: string): string {
  const { length } = text
  let at = 0
  while (at < length) {
    const code = text.charCodeAt(at)
    if (SINGLES[code] === code) at++
    else if (isPlainPair(text, at, code)) at += 2
    else break
  }
  if (at === length) return text
  if (length > SHORT_LENGTH) return foldSlowly(text)
  const codes: number[] = []
  for (let i = at; i < length; i++) {
    const code = text.charCodeAt(i)
    const single = SINGLES[code]!
    if (single !== NONE) codes.push(single)
    else if (isPlainPair(text, i, code)) codes.push(code, text.charCodeAt(++i))
    else return foldSlowly(text)
  }
  return text.slice(0, at) + String.fromCharCode.apply(null, codes)
}

/** Whether folding changes each unit of the text for itself and moves nothing, and no unit belongs to another. */
export function isFoldedInPlace(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (SINGLES[code] === NONE || code === ZERO_WIDTH_JOINER || code === EMOJI_STYLE) return false
  }
  return true
}

/** Folding by Unicode's tables. What one round makes is nearly always final; the next one sees that. */
function foldSlowly(text: string): string {
  let folded = text.toWellFormed().replaceAll('\0', '\ufffd')
  for (;;) {
    // There and back again: letters without a counterpart of one letter become it (ß is SS is ss).
    const cased = folded.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ')
    const next = cased.normalize('NFKC')
    if (next === folded) return folded
    folded = next
  }
}

/** Emoji and what else has neither case nor compatible forms among the pairs. */
function isPlainPair(text: string, at: number, high: number): boolean {
  if (high < 0xd83c || high > 0xd83e) return false
  const low = text.charCodeAt(at + 1)
  if (high === 0xd83c) return low >= 0xdf00 && low <= 0xdfff
  return low >= 0xdc00 && low <= (high === 0xd83d ? 0xdfff : 0xdfef)
}

function createSingles(): Uint16Array {
  const singles = new Uint16Array(0x1_0000)
  const stay = (from: number, to = from) => {
    for (let code = from; code <= to; code++) singles[code] = code
  }
  stay(0x01, 0x7f)
  for (let code = 0x41; code <= 0x5a; code++) singles[code] = code + 0x20
  singles[0] = REPLACEMENT
  stay(REPLACEMENT)
  // Ideographs, and what Chinese punctuation does not share with ASCII.
  stay(0x3400, 0x4dbf)
  stay(0x4e00, 0x9fff)
  stay(0x3001, 0x3003)
  stay(0x3007, 0x3011)
  stay(0x2018, 0x201f)
  stay(0x2014)
  singles[0x3000] = 0x20
  for (let code = 0xff01; code <= 0xff5e; code++) singles[code] = singles[code - 0xfee0]!
  // What emoji are joined and coloured with.
  stay(ZERO_WIDTH_JOINER)
  stay(EMOJI_STYLE)
  return singles
}
