/** Looks at the command line before oclif does. Imports nothing, because every command starts here. */

const VALUE_FLAGS = ['--home', '--socket', '--config', '--timeout'] as const
const SWITCHES = ['--json', '--plain', '--quiet', '-q', '--no-color', '--no-input', '--debug'] as const

/** Global flags that may stand before the command: those with a value, and those without. */
export const LEADING_FLAGS: { readonly withValue: readonly string[]; readonly switches: readonly string[] } = {
  withValue: VALUE_FLAGS,
  switches: SWITCHES,
}

/** Moves global flags that stand before the command behind it, where oclif looks for them: `kefu --home DIR status`. */
export function arrangeArguments(argv: readonly string[]): string[] {
  let start = 0
  while (start < argv.length) {
    const word = argv[start]!
    const isJoined = LEADING_FLAGS.withValue.some(flag => word.startsWith(`${flag}=`))
    if (isJoined || LEADING_FLAGS.switches.includes(word)) start += 1
    else if (LEADING_FLAGS.withValue.includes(word)) start += 2
    else break
  }
  const leading = argv.slice(0, start)
  const rest = argv.slice(start)
  const end = rest.indexOf('--')
  return end < 0 ? [...rest, ...leading] : [...rest.slice(0, end), ...leading, ...rest.slice(end)]
}

/** Whether the answer and errors are to be JSON, before anything is parsed. */
export function wantsJson(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment.KEFU_CONTENT_TYPE?.toLowerCase() === 'json') return true
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}
