const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** A JSON text as a value; whole numbers that a double cannot hold become texts with all of their digits. Throws a SyntaxError. */
export function parseLosslessJson(text: string): unknown {
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, token =>
      token[0] === '"' || /[.eE]/.test(token) || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
    ),
  )
}
