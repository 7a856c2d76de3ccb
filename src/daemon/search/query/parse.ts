import { isKefuError } from '../../../errors.js'
import type { TextQuery } from '../../core/search.js'
import { foldText } from './fold.js'
import { invalidQuery } from './invalid.js'
import { joined } from './joined.js'
import { compileRegex, foldRegex } from './regex.js'
import { type Token, tokensOf } from './tokens.js'

/** Bounds of a query: its characters (units of UTF-16), the words, phrases and expressions in it, and how deep parentheses may stand in each other. */
export const QUERY_LIMITS = { length: 512, terms: 32, depth: 8 } as const

/**
 * What somebody asks for, as they wrote it:
 *
 * - words apart by spaces, all of which have to be there, anywhere and also inside of other words (`AND` between them says the same);
 * - `"a phrase"`, as it stands, with its spaces; `\"` and `\\` in it are a quote and a backslash;
 * - `a OR b`, binding less than standing side by side: `a b OR c` is `(a b) OR c`;
 * - `-a`, `-"a phrase"`, `-(a b)`, `-/a/`: what must not be there; also alone, for everything without it;
 * - `/an expression/` in RE2's syntax, with `\/` for a slash; it begins a term, so that the slash in `and/or` is one;
 * - parentheses, which end words.
 *
 * The full-width forms that Chinese keyboards write (“ ”, （ ）, －, ＂, the wide space) do the same. Nothing asks for everything. Throws
 * `KEFU_SEARCH_INVALID` with the place where it cannot be understood.
 */
export function parseQuery(input: string): TextQuery {
  if (input.length > QUERY_LIMITS.length) throw invalidQuery(`a query has at most ${QUERY_LIMITS.length} characters`)
  const tokens = tokensOf(input)
  if (tokens.length === 0) return { type: 'all' }
  const terms = tokens.filter(({ type }) => type === 'literal' || type === 'regex')
  if (terms.length > QUERY_LIMITS.terms)
    throw invalidQuery(`a query has at most ${QUERY_LIMITS.terms} words`, terms[QUERY_LIMITS.terms]!.position)
  const parser = new Parser(tokens)
  const query = parser.alternatives(0)
  const rest = parser.peek()
  if (rest !== undefined) throw invalidQuery('this parenthesis was not opened', rest.position)
  return query
}

/** Descends through the tokens once. */
class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at]
  }

  alternatives(depth: number): TextQuery {
    const of = [this.#all(depth)]
    while (this.peek()?.type === 'or') {
      this.#at++
      of.push(this.#all(depth))
    }
    return joined('or', of)
  }

  #all(depth: number): TextQuery {
    const of: TextQuery[] = []
    for (;;) {
      const token = this.peek()
      if (token === undefined || token.type === 'or' || token.type === 'close') break
      if (token.type === 'and') this.#and(token, of.length)
      of.push(this.#term(depth))
    }
    if (of.length === 0) throw this.#nothing()
    return joined('and', of)
  }

  #and({ position }: Token, before: number): void {
    this.#at++
    const next = this.peek()?.type
    const isBetween = before > 0 && next !== undefined && next !== 'or' && next !== 'and' && next !== 'close'
    if (!isBetween) throw needsBothSides('AND', position)
  }

  #term(depth: number): TextQuery {
    const token = this.peek()!
    this.#at++
    switch (token.type) {
      case 'literal':
        return { type: 'literal', text: foldText(token.text) }
      case 'regex':
        return regexOf(token)
      case 'not': {
        const of = this.#term(depth)
        return of.type === 'not' ? of.of : { type: 'not', of }
      }
      case 'open': {
        if (depth === QUERY_LIMITS.depth)
          throw invalidQuery(`parentheses stand in each other ${QUERY_LIMITS.depth} deep at most`, token.position)
        const query = this.alternatives(depth + 1)
        if (this.peek()?.type !== 'close') throw invalidQuery('this parenthesis is not closed', token.position)
        this.#at++
        return query
      }
      default:
        throw invalidQuery('a word is expected here', token.position)
    }
  }

  /** Why there is no term here. */
  #nothing(): Error {
    const [before, here] = [this.#tokens[this.#at - 1], this.peek()]
    const operator = here?.type === 'or' ? here : before?.type === 'or' ? before : undefined
    if (operator !== undefined) return needsBothSides('OR', operator.position)
    if (before?.type === 'open') return invalidQuery('nothing stands between the parentheses', before.position)
    return invalidQuery('this parenthesis was not opened', here?.position)
  }
}

function needsBothSides(operator: string, position: number): Error {
  return invalidQuery(`${operator} needs something on both sides`, position)
}

function regexOf({ text, position }: Token): TextQuery {
  try {
    const source = foldRegex(text)
    compileRegex(source)
    return { type: 'regex', source }
  } catch (error) {
    throw isKefuError(error, 'KEFU_SEARCH_INVALID')
      ? invalidQuery(String(error.detail.reason), position, error.cause)
      : error
  }
}
