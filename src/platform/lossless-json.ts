// A string without an end is one token, too: looked for again from each of its quotes, it would take the square of its length.
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** The shortest run of digits that a double may not hold. */
const MANY_DIGITS = /\d{16}/

/** A JSON text as a value; whole numbers that a double cannot hold become texts with all of their digits. Throws a SyntaxError. */
export function parseLosslessJson(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text)
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, token =>
      token[0] === '"' || /[.eE]/.test(token) || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
    ),
  )
}
