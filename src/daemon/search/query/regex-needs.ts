import type { TextQuery } from '../../core/search.js'
import { foldText } from './fold.js'
import { joined } from './joined.js'

const ALL: TextQuery = { type: 'all' }
/** After a backslash: what stands for a place or a class of characters. */
const CLASSES = 'dDwWsSbBAzaftnrv'
const REPEAT = /^\{(\d+)(?:,\d*)?\}/
const GROUP = /^\?(?:P?<\w+>|[a-zA-Z-]*:)/
const FLAGS = /^\?[a-zA-Z-]*\)/

/**
 * What every folded text contains in which an expression matches, as a query of literals: `all` when nothing is certain. The source has to be one that
 * `compileRegex` takes. So most texts are told apart without the expression, and an index finds candidates.
 */
export function regexNeeds(source: string): TextQuery {
  return new Reader(source).needs()
}

/** Reads a source once. What it does not know makes everything uncertain. */
class Reader {
  readonly #source: string
  #at = 0
  #isKnown = true

  constructor(source: string) {
    this.#source = source
  }

  needs(): TextQuery {
    const needs = this.#alternatives()
    return this.#isKnown && this.#at === this.#source.length ? needs : ALL
  }

  /** Up to the end, or to the parenthesis that closes the group. */
  #alternatives(): TextQuery {
    const of = [this.#sequence()]
    while (this.#source[this.#at] === '|') {
      this.#at++
      of.push(this.#sequence())
    }
    return of.some(({ type }) => type === 'all') ? ALL : joined('or', of)
  }

  #sequence(): TextQuery {
    const needs: TextQuery[] = []
    let run = ''
    const endRun = () => {
      if (run !== '') needs.push({ type: 'literal', text: run })
      run = ''
    }
    while (this.#isKnown && this.#at < this.#source.length) {
      const character = this.#source[this.#at]!
      if (character === '|' || character === ')') break
      const atom = this.#atom()
      const repeats = this.#repeats()
      if (typeof atom === 'string' && repeats === undefined) {
        run += atom
        continue
      }
      // Repeated, it is there at least once, but who knows with what behind it.
      if (typeof atom === 'string' && repeats !== 0) run += atom
      endRun()
      if (typeof atom !== 'string' && atom.type !== 'all' && repeats !== 0) needs.push(atom)
    }
    endRun()
    return needs.length === 0 ? ALL : joined('and', needs)
  }

  /** One character, folded; or what a group needs; `ALL` for a class, a place and everything else. */
  #atom(): string | TextQuery {
    const rest = this.#source.slice(this.#at)
    const [character] = rest as Iterable<string>
    this.#at += character!.length
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '.':
      case '^':
      case '$':
        return ALL
      case '*':
      case '+':
      case '?':
        return this.#unknown()
      default:
        return foldText(character!)
    }
  }

  #group(): TextQuery {
    const rest = this.#source.slice(this.#at)
    const flags = FLAGS.exec(rest)
    if (flags !== null) {
      this.#at += flags[0].length
      // What is repeated then is what stands before the flags.
      return this.#repeats() === undefined ? ALL : this.#unknown()
    }
    this.#at += GROUP.exec(rest)?.[0].length ?? 0
    if (this.#source[this.#at] === '?') return this.#unknown()
    const needs = this.#alternatives()
    this.#at++
    return needs
  }

  #class(): TextQuery {
    const end = /^\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/su.exec(this.#source.slice(this.#at))
    if (end === null) return this.#unknown()
    this.#at += end[0].length
    return ALL
  }

  #escape(): string | TextQuery {
    const [escaped = ''] = this.#source.slice(this.#at) as Iterable<string>
    this.#at += escaped.length
    if (/^[^\dA-Za-z]$/u.test(escaped)) return foldText(escaped)
    if (CLASSES.includes(escaped)) return ALL
    const named = escaped === 'p' || escaped === 'P' ? /^(?:\{[^}]*\}|\w)/.exec(this.#source.slice(this.#at)) : null
    if (named === null) return this.#unknown()
    this.#at += named[0].length
    return ALL
  }

  /** How often at least the atom before is there; undefined: once, with nothing said. */
  #repeats(): number | undefined {
    const rest = this.#source.slice(this.#at)
    const [sign = ''] = rest
    const counted = REPEAT.exec(rest)
    if (counted === null && !'*+?'.includes(sign)) return undefined
    if (sign === '') return undefined
    this.#at += counted?.[0].length ?? 1
    if (this.#source[this.#at] === '?') this.#at++
    return counted === null ? Number(sign === '+') : Number(counted[1])
  }

  #unknown(): TextQuery {
    this.#isKnown = false
    return ALL
  }
}
