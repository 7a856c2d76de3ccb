import { parseArgs } from 'node:util'

/** A flag: a whole number with bounds, or a switch. */
export type Flag =
  | {
      readonly type: 'number'
      readonly default: number
      readonly min: number
      readonly max: number
      readonly doc: string
    }
  | { readonly type: 'switch'; readonly doc: string }
  | { readonly type: 'text'; readonly default: string; readonly doc: string }

/** Values of flags by name. */
export type FlagValues<F extends Readonly<Record<string, Flag>>> = {
  readonly [K in keyof F]: F[K] extends { type: 'number' } ? number : F[K] extends { type: 'text' } ? string : boolean
}

/** Reads the command line. Prints the flags and ends the process for `--help`; throws for what is not in the table. */
export function readFlags<const F extends Readonly<Record<string, Flag>>>(flags: F): FlagValues<F> {
  const parsed = parseArgs({
    options: {
      help: { type: 'boolean' },
      ...Object.fromEntries(
        Object.entries(flags).map(([name, { type }]) => [
          name,
          { type: type === 'switch' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    },
  })
  const values: Readonly<Record<string, unknown>> = parsed.values
  if (values.help === true) {
    process.stderr.write(describe(flags))
    process.exit(0)
  }
  const read = Object.entries(flags).map(([name, flag]) => [name, readFlag(name, flag, values[name])])
  return Object.fromEntries(read) as FlagValues<F>
}

function readFlag(name: string, flag: Flag, text: unknown): number | boolean | string {
  if (flag.type === 'switch') return text === true
  if (flag.type === 'text') return text === undefined ? flag.default : String(text)
  const value = text === undefined ? flag.default : Number(text)
  if (!Number.isInteger(value) || value < flag.min || value > flag.max)
    throw new Error(`--${name} takes a whole number from ${flag.min} to ${flag.max}`)
  return value
}

function describe(flags: Readonly<Record<string, Flag>>): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const value = flag.type === 'switch' ? '' : ` (default ${flag.default})`
    return `  --${name.padEnd(14)} ${flag.doc}${value}\n`
  })
  return lines.join('')
}
