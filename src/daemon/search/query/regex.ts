import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { foldText } from './fold.js'
import { invalidQuery } from './invalid.js'

/**
 * Expressions in RE2's syntax: they take time in proportion to the text, whatever they say. What other engines know and this one does not (references to groups,
 * looking ahead or behind, possessive and atomic groups) is refused.
 *
 * They see folded texts: letters in lower case, full-width forms as ASCII. Their own ASCII letters mean either case; `^` and `$` are the ends of a line, `.` is
 * any character but a line feed.
 */

/** Bounds of an expression: its characters, and the instructions that it may become. */
export const REGEX_LIMITS = { length: 256, instructions: 1000 } as const

/** Instructions times characters that are spent on finding the places in one text: some 100 ms at the worst. */
const PLACES_BUDGET = 2_000_000

/** A compiled expression. */
export type Regex = {
  test(folded: string): boolean
  /** Where it matches, in order, not overlapping and not empty: at most `limit`, and of a long text only as many as can be found in a bounded time. */
  placesIn(folded: string, limit: number): [start: number, end: number][]
}

/**
 * An expression as somebody wrote it, in the form that is looked for in folded texts: what is not ASCII is folded. Throws `KEFU_SEARCH_INVALID` when it is too
 * long.
 */
export function foldRegex(source: string): string {
  if (source.length > REGEX_LIMITS.length)
    throw invalidQuery(`an expression has at most ${REGEX_LIMITS.length} characters`)
  return source
    .normalize('NFC')
    .replace(/\\Q.*?(?:\\E|$)|\\?[^\0-\x7f]/gsu, piece =>
      piece.startsWith('\\Q') ? piece.replace(/[^\0-\x7f]/gu, foldText) : asLiteral(piece),
    )
}

/** Compiles a source of `foldRegex`. Throws `KEFU_SEARCH_INVALID` with the reason. */
export function compileRegex(source: string): Regex {
  const compiled = compile(source)
  const instructions = compiled.programSize()
  if (instructions > REGEX_LIMITS.instructions) throw invalidQuery('the expression repeats too much')
  return {
    test: folded => compiled.test(folded),
    placesIn(folded, limit) {
      const seen = folded.slice(0, PLACES_BUDGET / instructions)
      // Each may have looked at all that follows before it was certain.
      const most = Math.min(limit, Math.ceil(PLACES_BUDGET / (instructions * (seen.length + 1))))
      const found: [number, number][] = []
      const matcher = compiled.matcher(seen)
      while (found.length < most && matcher.find()) {
        const [start, end] = [matcher.start(), matcher.end()]
        if (end > start) found.push([start, end])
      }
      return found
    },
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.CASE_INSENSITIVE | RE2JS.MULTILINE)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw invalidQuery(`RE2 does not take the expression, ${complaint(error)}`, undefined, error)
  }
}

function complaint(error: RE2JSException): string {
  if (!(error instanceof RE2JSSyntaxException)) return error.message
  // What it quotes begins with the flags when it quotes everything.
  const quoted = error.getPattern()?.replace(/^(?:\(\?[im]\))+/, '')
  return quoted === undefined ? error.getDescription() : `${error.getDescription()}: ${quoted}`
}

/** One character that stands for itself, folded; what becomes of it has no other meaning either. */
function asLiteral(character: string): string {
  return foldText(character.replace(/^\\/, '')).replace(/[!-/:-@[-`{-~]/g, '\\$&')
}
