import { withPlace } from './place.js'
import { type Column, renderTable } from './table.js'
import { describeTerminal, oneLine, styled, type Terminal } from './terminal.js'

/** A stream that output goes to. */
export type OutputStream = {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** How answers look: for a person, as tab-separated rows, or as one JSON document (which oclif writes from the command's result). */
export type OutputMode = 'human' | 'plain' | 'json'

/** A named value: for scripts, and for a person when that is another text. */
export type Fact = readonly [name: string, value: string, human?: string]

/** A column of a list. `key` is its name for `--fields`. */
export type ListColumn<T> = Column & {
  readonly key: string
  /** Shown only when `--fields` names it. */
  readonly isExtra?: boolean
  /** For scripts: complete, RFC 3339, no units split off. */
  plain(item: T): string
  /** For a person, when that is another text. */
  human?(item: T): string
}

/** Where a command's answer (stdout) and its notes (stderr) go. With `--json` only `event` writes. */
export type Output = {
  readonly mode: OutputMode
  readonly terminal: Terminal
  /** One sentence of the answer for a person. */
  line(text: string): void
  /** Named values: aligned for a person, `name<TAB>value` otherwise. */
  facts(facts: readonly Fact[]): void
  /** A list: a table for a person, one line of tab-separated values per item otherwise. */
  list<T>(columns: readonly ListColumn<T>[], items: readonly T[]): Promise<void>
  /** Raw text to stdout, in every mode but JSON. */
  raw(text: string): void
  /** One line of NDJSON, with `--json` only. */
  event(value: object): void
  /** A note on stderr: progress, what to do next. Not with `-q`. */
  note(text: string): void
  /** A warning on stderr; with `--json` collected for the document's `warnings`. */
  warn(text: string): void
  readonly warnings: readonly string[]
}

/** What an output is made from. */
export type OutputOptions = {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly isJson: boolean
  readonly isPlain: boolean
  readonly isQuiet: boolean
  readonly noColor: boolean
  /** Arguments that the kefu commands in notes and warnings get, so that they mean the same daemon. */
  readonly place?: readonly string[]
}

/** An output over two streams. */
export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, environment, isQuiet, noColor, place = [] } = options
  const terminal = describeTerminal(stdout, environment, noColor)
  const stderrTerminal = describeTerminal(stderr, environment, noColor)
  const mode: OutputMode = options.isJson ? 'json' : options.isPlain || !terminal.isTerminal ? 'plain' : 'human'
  const warnings: string[] = []
  const answer = (text: string): void => {
    if (mode !== 'json') stdout.write(text)
  }
  return {
    mode,
    terminal,
    warnings,
    raw: answer,
    line(text) {
      if (mode === 'human') answer(`${oneLine(text)}\n`)
    },
    facts(facts) {
      const width = Math.max(...facts.map(([name]) => name.length))
      for (const [name, value, human = value] of facts)
        answer(mode === 'human' ? `  ${name.padEnd(width)}  ${oneLine(human)}\n` : `${name}\t${oneLine(value)}\n`)
    },
    async list(columns, items) {
      if (mode === 'json') return
      if (mode === 'plain') {
        for (const item of items) answer(`${columns.map(column => oneLine(column.plain(item))).join('\t')}\n`)
        return
      }
      const rows = items.map(item => columns.map(column => oneLine((column.human ?? column.plain)(item))))
      if (rows.length > 0) answer(await renderTable(columns, rows, terminal))
    },
    event(value) {
      if (mode === 'json') stdout.write(`${JSON.stringify(value)}\n`)
    },
    note(text) {
      if (mode !== 'json' && !isQuiet) stderr.write(`${withPlace(text, place)}\n`)
    },
    warn(text) {
      warnings.push(text)
      if (mode !== 'json')
        stderr.write(`${styled('Warning:', 'yellow', stderrTerminal)} ${withPlace(oneLine(text), place)}\n`)
    },
  }
}
