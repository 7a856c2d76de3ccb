import { KefuError } from '../../errors.js'

/** The values of a flag that may be given more than once as `KEY=VALUE`: by key, the last one of a key counts. Throws `KEFU_USAGE`. */
export function pairsOf<K extends string, V>(
  flag: string,
  texts: readonly string[],
  key: (text: string) => K | undefined,
  value: (text: string) => V | undefined,
  example: string,
): Partial<Record<K, V>> {
  const pairs: Partial<Record<K, V>> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    const name = at < 0 ? undefined : key(text.slice(0, at))
    const found = at < 0 ? undefined : value(text.slice(at + 1))
    if (name === undefined || found === undefined) throw notAPair(flag, text, example)
    Object.defineProperty(pairs, name, { value: found, enumerable: true, configurable: true, writable: true })
  }
  return pairs
}

/** A text that is one of some words. */
export function oneOf<const W extends string>(words: readonly W[]): (text: string) => W | undefined {
  return text => words.find(word => word === text)
}

/** A whole number, without a sign. */
export function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function notAPair(flag: string, text: string, example: string): KefuError {
  return new KefuError('KEFU_USAGE', {
    reason: `"${text.slice(0, 40)}" is not a value of --${flag}: write it as in --${flag} ${example}`,
  })
}
