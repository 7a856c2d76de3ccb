import { resolve } from 'node:path'

/** Commands as sentences of kefu name them, by their first word. Prose such as "this kefu" is none. */
const COMMAND =
  /\bkefu (?=(?:agent|audit|canned|channel|chat|config|contact|credential|daemon|demo|emulate|errors|help|history|hook|metrics|outbox|queue|status|store|team|top|version)\b)/g

const PLACE_FLAGS = ['--home', '--socket', '--config'] as const

/** Flags of a command line that say which daemon it means, as arguments for another one: their paths absolute. Looks before anything is parsed. */
export function placeOf(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return PLACE_FLAGS.flatMap(flag => {
    const at = words.findLastIndex(word => word === flag || word.startsWith(`${flag}=`))
    const word = words[at]
    const value = word === flag ? words[at + 1] : word?.slice(flag.length + 1)
    return value === undefined || value === '' ? [] : [flag, resolve(value)]
  })
}

/** A sentence whose kefu commands mean the same daemon as the command line that it answers: they can be copied as they are. */
export function withPlace(sentence: string, place: readonly string[]): string {
  return place.length === 0 ? sentence : sentence.replace(COMMAND, () => `kefu ${place.map(quoted).join(' ')} `)
}

/** A word as a shell takes it for one. */
export function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
