import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CliBatch } from './cli-batch.js'
import { ROOT } from './project.js'

/** What a command left behind. */
export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** How a command is run. */
export type CliOptions = {
  /** `KEFU_HOME`; without one there is none. */
  readonly home?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Arguments of node before the program. */
  readonly nodeArguments?: readonly string[]
  /** Has the command run in a process of its own. That is so in any case where the process matters: see `isOrdinary`. */
  readonly isAlone?: boolean
}

const LIMIT_MS = 30_000
const batch = new CliBatch()

/** Runs a command to its end, without a terminal. Nothing of this process's own kefu variables reaches it. Ordinary commands share a process. */
export function runKefu(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return isOrdinary(words, options) ? batch.run(words, cliEnvironment(options)) : runAlone(words, options)
}

/** Whether a command does the same in a process that runs others, too: daemons, `bin/run.js` itself, and what is set for node or the terminal do not. */
function isOrdinary([topic = '', command]: readonly string[], options: CliOptions): boolean {
  if (topic === 'daemon' && command !== 'status') return false
  if (topic.startsWith('-') || options.isAlone === true || options.cwd !== undefined) return false
  if (options.nodeArguments !== undefined) return false
  return Object.keys(options.environment ?? {}).every(name => name.startsWith('KEFU_'))
}

async function runAlone(words: readonly string[], options: CliOptions): Promise<CliResult> {
  const program = join(ROOT, 'bin', 'run.js')
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), program, ...words], {
    cwd: options.cwd ?? ROOT,
    env: cliEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** The environment of a command: this process's own without what steers kefu or colours. */
export function cliEnvironment({ home, environment }: CliOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(KEFU_|XDG_|NO_COLOR|FORCE_COLOR|NODE_)/.test(name),
  )
  return { ...Object.fromEntries(inherited), ...(home === undefined ? {} : { KEFU_HOME: home }), ...environment }
}

/** Runs a command that must succeed with `--json`; its document. */
export async function kefuJson<T>(words: readonly string[], options: CliOptions = {}): Promise<T> {
  const { code, stdout, stderr } = await runKefu([...words, '--json'], options)
  assert.equal(code, 0, `kefu ${words.join(' ')} ended with ${code}: ${stderr}`)
  assert.equal(stderr, '')
  return JSON.parse(stdout) as T
}

/** How a command must fail. */
export type ExpectedFailure = { readonly code: string; readonly exit: number; readonly message?: RegExp }

/** Runs a command that must fail for a person: exit code, sentence, code and hint on stderr. */
export async function kefuFailsInWords(
  words: readonly string[],
  { code, exit, message = /./ }: ExpectedFailure,
  options: CliOptions = {},
): Promise<void> {
  const result = await runKefu(words, options)
  assert.equal(result.code, exit, `kefu ${words.join(' ')}: ${result.stderr}`)
  assert.match(result.stderr, new RegExp(`^Error: .+\\nCode: {2}${code}\\nTry: {3}.+\\n$`))
  assert.match(result.stderr, message)
}

/** Runs a command with `--json` that must fail: the exit code of its error, an empty stdout, one JSON line on stderr. */
export async function kefuFails(
  words: readonly string[],
  expected: ExpectedFailure,
  options: CliOptions = {},
): Promise<void> {
  const json = await runKefu([...words, '--json'], options)
  const what = `kefu ${words.join(' ')} --json`
  assert.equal(json.code, expected.exit, `${what}: ${json.stderr}`)
  assert.equal(json.stdout, '', what)
  const lines = json.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 1, json.stderr)
  const { error } = JSON.parse(lines[0]!) as { error: { code: string; exit: number; message: string; hint: string } }
  assert.equal(error.code, expected.code)
  assert.equal(error.exit, expected.exit)
  assert.ok(error.hint.length > 0)
  if (expected.message !== undefined) assert.match(error.message, expected.message)
}
