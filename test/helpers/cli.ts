import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
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
}

const LIMIT_MS = 30_000

/** Runs `bin/run.js` to its end, without a terminal. Nothing of this process's own kefu variables reaches it. */
export async function runKefu(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
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

/** Runs a command that must fail with this code, with and without `--json`: the exit code is the same, stdout is empty, stderr is one JSON line or says code and hint. */
export async function kefuFails(
  words: readonly string[],
  expected: { readonly code: string; readonly exit: number; readonly message?: RegExp },
  options: CliOptions = {},
): Promise<void> {
  const [human, json] = await Promise.all([runKefu(words, options), runKefu([...words, '--json'], options)])
  const what = `kefu ${words.join(' ')}`
  assert.equal(human.code, expected.exit, `${what}: ${human.stderr}`)
  assert.equal(json.code, expected.exit, `${what} --json: ${json.stderr}`)
  assert.equal(json.stdout, '', what)
  assert.match(human.stderr, new RegExp(`^Error: .+\\nCode: {2}${expected.code}\\nTry: {3}.+\\n$`), what)
  const lines = json.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 1, json.stderr)
  const { error } = JSON.parse(lines[0]!) as { error: { code: string; exit: number; message: string; hint: string } }
  assert.equal(error.code, expected.code)
  assert.equal(error.exit, expected.exit)
  assert.ok(error.hint.length > 0)
  if (expected.message !== undefined) {
    assert.match(human.stderr, expected.message)
    assert.match(error.message, expected.message)
  }
}
