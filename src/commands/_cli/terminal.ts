/** What the output is connected to. */
export type Terminal = {
  readonly isTerminal: boolean
  readonly hasColor: boolean
  /** Columns; lines may be longer where it is no terminal. */
  readonly width: number
}

/** A stream as far as it matters here. */
export type TerminalStream = { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined }

type Environment = Readonly<Record<string, string | undefined>>

/** What a stream can show. Colours: not with `--no-color`, `NO_COLOR`, `TERM=dumb` or without a terminal, unless `FORCE_COLOR` asks. */
export function describeTerminal(stream: TerminalStream, environment: Environment, noColor: boolean): Terminal {
  const isTerminal = stream.isTTY === true
  const isForced = !['', '0', undefined].includes(environment.FORCE_COLOR)
  const isRefused = noColor || (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb'
  const columns = stream.columns ?? Number(environment.COLUMNS)
  return { isTerminal, hasColor: !isRefused && (isTerminal || isForced), width: columns > 0 ? columns : 80 }
}

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

/** A way of writing. */
export type Style = keyof typeof STYLES

/** Text in a style, where colours are shown. */
export function styled(text: string, style: Style, terminal: Terminal): string {
  if (!terminal.hasColor) return text
  const [on, off] = STYLES[style]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/** Text on one line that cannot steer a terminal: control characters are replaced. */
export function oneLine(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(/\p{C}/gu, '\u{fffd}')
}
