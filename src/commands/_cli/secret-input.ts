import { spawn } from 'node:child_process'
import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { givenText } from './text-input.js'

/** Flags of commands that take a secret. Never an argument: the list of processes and the shell's history would have it. */
export const SECRET_FLAGS = {
  stdin: boolean({ exclusive: ['from-file', 'from-command'], summary: 'take it from standard input' }),
  'from-file': string({ exclusive: ['stdin', 'from-command'], helpValue: 'FILE', summary: 'take it from a file' }),
  'from-command': string({
    exclusive: ['stdin', 'from-file'],
    helpValue: 'COMMAND',
    summary: "take it from what a command prints, such as 'pass show shop/app-secret'",
  }),
}

/** Where a secret may come from, and how to ask for it. */
export type SecretSources = {
  readonly stdin?: boolean | undefined
  readonly 'from-file'?: string | undefined
  readonly 'from-command'?: string | undefined
  /** Asks at the terminal; undefined when nobody can be asked. */
  readonly ask: (() => Promise<string>) | undefined
  /** What messages call it. */
  readonly what: string
  /** Where the command's own complaints go. */
  readonly complaints: 'inherit' | 'ignore'
}

const COMMAND_TIMEOUT_MS = 60_000
const COMMAND_LIMIT_BYTES = 64 * 1024

/**
 * The secret that was given, without the line feed at its end. Throws `KEFU_INPUT_NEEDED` naming the flags when there is none and nobody can be asked, `KEFU_USAGE`
 * for a source that gives none. Nothing of a secret or a command is in an error.
 */
export async function givenSecret(sources: SecretSources): Promise<string> {
  const { stdin, 'from-file': file, 'from-command': command, ask, what } = sources
  if (command !== undefined) return await printedBy(command, sources.complaints)
  if (stdin === true && process.stdin.isTTY)
    throw usage('standard input is the terminal: leave --stdin out, and it is asked for without being shown')
  if (stdin === true || file !== undefined)
    return (await givenText({ argument: undefined, stdin, 'from-file': file })) ?? ''
  if (ask !== undefined) return await ask()
  throw new KefuError('KEFU_INPUT_NEEDED', { question: `${what}?`, flags: '--stdin, --from-file or --from-command' })
}

/** What a command prints, run by the shell as it stands. */
function printedBy(command: string, complaints: 'inherit' | 'ignore'): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', complaints] })
    const chunks: Buffer[] = []
    let bytes = 0
    let problem: string | undefined
    const end = (reason: string): void => {
      problem ??= reason
      child.kill('SIGKILL')
      // What the command has started may hold the pipe open.
      child.stdout.destroy()
    }
    const timer = setTimeout(
      () => end(`the command took longer than ${COMMAND_TIMEOUT_MS / 1_000} s`),
      COMMAND_TIMEOUT_MS,
    )
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > COMMAND_LIMIT_BYTES) end(`the command printed more than ${COMMAND_LIMIT_BYTES} bytes`)
    })
    child.once('error', () => end('the command could not be run'))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const why = problem ?? (code === 0 ? undefined : `the command ended with ${code ?? signal}`)
      if (why !== undefined) reject(usage(why))
      else
        try {
          const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
          resolve(text.replaceAll('\r\n', '\n').replace(/\n$/, ''))
        } catch {
          reject(usage('what the command printed is not UTF-8'))
        }
    })
  })
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
