/**
 * Text of somebody else that cannot steer a terminal: control characters (with the escape of ANSI sequences), what turns the direction of writing, and other
 * invisible characters become U+FFFD. Line breaks and what emoji are joined with stay.
 */
export function safeText(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, character => (KEPT.has(character) ? character : '\u{fffd}'))
}

/** Line feed, zero-width non-joiner and joiner. */
const KEPT: ReadonlySet<string> = new Set(['\n', '\u200c', '\u200d'])
