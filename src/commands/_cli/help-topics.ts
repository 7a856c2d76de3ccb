import { EXIT_CODES } from './exit-codes.js'

/** Pages of help that belong to no command. */
export const HELP_TOPICS = {
  'exit-codes': { summary: 'what exit codes mean', text: () => Promise.resolve(exitCodes()) },
  environment: { summary: 'variables that kefu reads', text: environment },
  formats: { summary: 'tables, rows, JSON, durations and sizes', text: () => Promise.resolve(FORMATS) },
} as const satisfies Record<string, { readonly summary: string; text(): Promise<string> }>

const FORMATS = `Answers go to stdout, everything else to stderr.

  At a terminal       tables and sentences for people
  Piped, or --plain   tab-separated rows: no header, no colours, nothing cut, instants in RFC 3339
  --json              one JSON document; commands that stream write one JSON object per line
  Errors              a sentence, a code and what to try; with --json one line {"error":{"code",...}} on stderr

Fields are only ever added to JSON answers, not renamed or removed.
Durations are written 500ms, 30s, 5m, 1h30m, 2d; sizes 512B, 64KiB, 20MiB (powers of 1000: 20MB).`

function exitCodes(): string {
  const rows = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  return `${rows.join('\n')}\n\nNew codes may be added: treat a code that is not listed here as a failure.`
}

const VARIABLES = [
  ['KEFU_HOME', 'folder of the daemon: settings, data, logs, socket (--home)'],
  ['KEFU_SOCKET', 'control socket (--socket)'],
  ['KEFU_CONFIG', 'configuration file (--config)'],
  ['KEFU_CONFIG_DIR', 'folder of kefu.yaml'],
  ['KEFU_DATA_DIR', 'folder of the store and media'],
  ['KEFU_STATE_DIR', 'folder of the logs of a daemon in the background'],
  ['KEFU_RUNTIME_DIR', 'folder of the control socket'],
  ['KEFU_KEY_FILE', 'file with the master key of sealed credentials'],
  ['KEFU_TIMEOUT', 'how long to wait for an answer (--timeout)'],
  ['KEFU_NO_INPUT', '1: never ask (--no-input)'],
  ['KEFU_DEBUG', '1: show causes and stacks of errors (--debug)'],
  ['KEFU_CONTENT_TYPE', 'json: --json for every command'],
  ['NO_COLOR, FORCE_COLOR, TERM, COLUMNS', 'colours and width of the output'],
] as const

async function environment(): Promise<string> {
  const { CONFIG_KEYS, environmentName } = await import('../../daemon/config/schema.js')
  const rows = [
    ...VARIABLES.map(([name, text]) => [name, text] as const),
    ...CONFIG_KEYS.map(key => [environmentName(key), `sets ${key}`] as const),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
  return `A flag is stronger than a variable, a variable than kefu.yaml, kefu.yaml than the default.\n\n${lines.join('\n')}`
}
