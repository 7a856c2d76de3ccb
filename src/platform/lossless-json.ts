// A string without an end is one token, too: looked for again from each of its quotes, it would take the square of its length.
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** The shortest run of digits that a double may not hold. */
const MANY_DIGITS = /\d{16}/

/**
 * A JSON text as a value; whole numbers that a double cannot hold become texts with all of their digits. Throws a SyntaxError, also for a text that says more than
 * `valuesLimit` values: those of a large body take a hundred times as long as one long text.
 */
export function parseLosslessJson(text: string, valuesLimit = Number.POSITIVE_INFINITY): unknown {
  if (valuesLimit < text.length) assertFewValues(text, valuesLimit)
  if (!MANY_DIGITS.test(text)) return JSON.parse(text)
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, token =>
      token[0] === '"' || /[.eE]/.test(token) || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
    ),
  )
}

const [QUOTE, COMMA, BRACKET, BRACE, BACKSLASH] = [0x22, 0x2c, 0x5b, 0x7b, 0x5c]
const [ZERO, NINE] = [0x30, 0x39]

/** Counts what begins or follows a value outside of texts, and texts and numbers themselves: also what is no JSON must not be many. */
function assertFewValues(text: string, limit: number): void {
  let count = 0
  let isInNumber = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isDigit = code >= ZERO && code <= NINE
    if ((isDigit && !isInNumber) || code === QUOTE || code === COMMA || code === BRACKET || code === BRACE) count++
    isInNumber = isDigit
    // A value has at most a name, itself, and a sign before it.
    if (count > 3 * limit) throw new SyntaxError('too many values')
    if (code === QUOTE) at = endOfText(text, at)
  }
}

/** Where the text ends that begins at a quote; one without an end goes on to the last character. */
function endOfText(text: string, quoteAt: number): number {
  for (let at = text.indexOf('"', quoteAt + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return at
  }
  return text.length
}
