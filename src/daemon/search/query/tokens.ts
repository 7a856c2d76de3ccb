import { invalidQuery } from './invalid.js'

/** What a query consists of. `position`: where it begins, in characters counted from 1; `text`: a word, the inside of a phrase, or the source of an expression. */
export type Token = {
  readonly type: 'literal' | 'regex' | 'not' | 'and' | 'or' | 'open' | 'close'
  readonly position: number
  readonly text: string
}

const SPACE = /\s/u
/** What closes a quote: those of Chinese keyboards come in pairs, which people do not always keep. */
const QUOTES: ReadonlyMap<string | undefined, string> = new Map([
  ['"', '"'],
  ['＂', '＂'],
  ['“', '“”'],
  ['”', '“”'],
])
const OPEN = '(（'
const CLOSE = ')）'
const MINUS = '-－'
const OPERATORS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
])

/** Takes a query apart. Throws `KEFU_SEARCH_INVALID` at what is not ended or cannot stand where it does. */
export function tokensOf(input: string): Token[] {
  const characters = [...input]
  const tokens: Token[] = []
  let at = 0
  const add = (type: Token['type'], end: number, text = '') => {
    tokens.push({ type, position: at + 1, text })
    at = end
  }
  while (at < characters.length) {
    const character = characters[at]!
    const quotes = QUOTES.get(character)
    if (SPACE.test(character)) at++
    else if (OPEN.includes(character)) add('open', at + 1)
    else if (CLOSE.includes(character)) add('close', at + 1)
    else if (isMinus(characters, at)) add('not', at + 1)
    else if (quotes !== undefined) {
      const { text, end } = phraseAt(characters, at, quotes)
      add('literal', end, text)
    } else if (character === '/') {
      const { text, end } = expressionAt(characters, at)
      add('regex', end, text)
    } else {
      const { text, end } = wordAt(characters, at)
      add(OPERATORS.get(text.normalize('NFKC')) ?? 'literal', end, text)
    }
  }
  return tokens
}

/** Whether this is a minus for what follows. One with nothing behind it is a word, as in `A - B`. */
function isMinus(characters: readonly string[], at: number): boolean {
  let end = at
  while (end < characters.length && MINUS.includes(characters[end]!)) end++
  if (end === at || isGap(characters[end])) return false
  if (end > at + 1) throw invalidQuery('one minus is enough', at + 1)
  return true
}

function phraseAt(characters: readonly string[], at: number, closing: string): { text: string; end: number } {
  let text = ''
  for (let end = at + 1; end < characters.length; end++) {
    const [character, next] = [characters[end]!, characters[end + 1]]
    if (character === '\\' && (next === '\\' || QUOTES.has(next))) {
      text += next
      end++
    } else if (closing.includes(character)) {
      if (text === '') throw invalidQuery('nothing stands between the quotes', at + 1)
      return { text, end: end + 1 }
    } else text += character
  }
  throw invalidQuery('this quote is not closed', at + 1)
}

function expressionAt(characters: readonly string[], at: number): { text: string; end: number } {
  let text = ''
  for (let end = at + 1; end < characters.length; end++) {
    const [character, next] = [characters[end]!, characters[end + 1]]
    if (character === '\\' && next !== undefined) {
      text += next === '/' ? '/' : character + next
      end++
    } else if (character === '/') {
      if (text === '') throw invalidQuery('nothing stands between the slashes', at + 1)
      if (!isGap(next)) throw invalidQuery('a slash inside an expression is written \\/', end + 1)
      return { text, end: end + 1 }
    } else text += character
  }
  throw invalidQuery('this expression is not ended by a slash', at + 1)
}

function wordAt(characters: readonly string[], at: number): { text: string; end: number } {
  let end = at + 1
  while (!isGap(characters[end]) && !OPEN.includes(characters[end]!) && !QUOTES.has(characters[end])) end++
  return { text: characters.slice(at, end).join(''), end }
}

/** Whether a word, an expression or a minus is over before this character. */
function isGap(character: string | undefined): boolean {
  return character === undefined || SPACE.test(character) || CLOSE.includes(character)
}
