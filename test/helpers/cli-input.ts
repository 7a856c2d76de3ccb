import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type CliOptions, type CliResult, cliEnvironment } from './cli.js'
import { ROOT } from './project.js'

/** Runs a command that reads a text from standard input. `started` is told its process id. */
export async function kefuWithInput(
  words: readonly string[],
  text: string,
  options: CliOptions,
  started: (pid: number) => void = () => undefined,
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), ...words], { env: cliEnvironment(options) })
  started(child.pid ?? 0)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  child.stdin.on('error', () => undefined)
  child.stdin.end(text)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
