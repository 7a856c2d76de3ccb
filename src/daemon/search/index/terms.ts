/**
 * What the index knows a text by: numbers that stand for its characters, its pairs of neighbouring characters, three letters or digits in a row and four
 * digits in a row; beside them numbers for the fields of a record. A text that contains a literal has all of the literal's terms.
 */

const SPAN = 2 ** 21
/** No character has these numbers. */
const THREE = 0x1f_ffff * SPAN
const FOUR = 0x1f_fffe * SPAN
const FIELDS = 2 ** 43
const FIELD_SPAN = 2 ** 32

const CONVERSATION = 0
const AGENT = 1
const CHANNEL = 2
const KIND = 3

/** Calls `put` with every term of a folded text, as often as it occurs. */
export function eachTerm(text: string, put: (term: number) => void): void {
  let before = 0
  let letters = 0
  let lastThree = 0
  let digits = 0
  let lastFour = 0
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at)
    if (code >= 0xd800 && code < 0xdc00) {
      code = text.codePointAt(at)!
      if (code > 0xffff) at++
    }
    put(code * SPAN)
    if (before !== 0) put(before * SPAN + code)
    before = code
    if (!isLetterOrDigit(code)) {
      letters = digits = 0
      continue
    }
    lastThree = ((lastThree << 7) | code) & 0x1f_ffff
    if (++letters >= 3) put(THREE + lastThree)
    if (code > NINE) {
      digits = 0
      continue
    }
    lastFour = (lastFour * 10 + code - ZERO) % 10_000
    if (++digits >= 4) put(FOUR + lastFour)
  }
}

/** Terms that a text with this folded literal has, the most telling first, without those that follow from others of them. */
export function literalTerms(literal: string): readonly number[] {
  const codes = Array.from(literal, character => character.codePointAt(0)!)
  if (codes.length === 1) return [codes[0]! * SPAN]
  const letters = runLengths(codes, isLetterOrDigit)
  const digits = runLengths(codes, isDigit)
  const [fours, threes, pairs] = [new Set<number>(), new Set<number>(), new Set<number>()]
  for (let at = 0; at + 1 < codes.length; at++) {
    const [a, b, c] = [codes[at]!, codes[at + 1]!, codes[at + 2]!]
    const isInWord = isLetterOrDigit(a) && isLetterOrDigit(b)
    if (!isInWord || letters[at]! < 3) pairs.add(a * SPAN + b)
    const isNumber = isDigit(a) && isDigit(b) && isDigit(c)
    if (isInWord && isLetterOrDigit(c ?? 0) && !(isNumber && digits[at]! >= 4))
      threes.add(THREE + ((a << 14) | (b << 7) | c))
    const d = codes[at + 3] ?? 0
    if (isNumber && isDigit(d)) fours.add(FOUR + (a - ZERO) * 1000 + (b - ZERO) * 100 + (c - ZERO) * 10 + d - ZERO)
  }
  // Numbers often begin with a year: their ends tell more.
  return [...[...fours].reverse(), ...threes, ...pairs]
}

/** The term of a conversation's records. Another conversation may have the same one. */
export function conversationTerm(id: string): number {
  return FIELDS + CONVERSATION * FIELD_SPAN + hash(id)
}

/** The term of what an agent wrote. Another agent may have the same one. */
export function agentTerm(id: string): number {
  return FIELDS + AGENT * FIELD_SPAN + hash(id)
}

/** The term of a channel's records. */
export function channelTerm(channel: number): number {
  return FIELDS + CHANNEL * FIELD_SPAN + channel
}

/** The terms of the kinds with these bits. */
export function kindTerms(kinds: number): readonly number[] {
  return KIND_BITS.filter(bit => (kinds & (1 << bit)) !== 0).map(bit => FIELDS + KIND * FIELD_SPAN + bit)
}

const ZERO = 0x30
const NINE = 0x39
const KIND_BITS = Array.from({ length: 16 }, (_, bit) => bit)

/** Of folded texts: there are no capitals. */
function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= ZERO && code <= NINE)
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** For each character how many in a row around it are such characters; 0 for others. */
function runLengths(codes: readonly number[], isSuch: (code: number) => boolean): readonly number[] {
  const lengths = codes.map(() => 0)
  for (let start = 0; start < codes.length; ) {
    let end = start
    while (end < codes.length && isSuch(codes[end]!)) end++
    lengths.fill(end - start, start, end)
    start = end + 1
  }
  return lengths
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
