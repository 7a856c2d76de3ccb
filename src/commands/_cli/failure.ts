import { type ErrorReport, isKefuError, KefuError, toKefuError } from '../../errors.js'
import { nearest } from '../../nearest.js'
import { wantsJson } from './arguments.js'
import { placeOf, withPlace } from './place.js'
import { describeTerminal, styled, type Terminal } from './terminal.js'

const BUG = 70
const TOKENS = /\bk[a-z]t_[A-Za-z0-9_-]{8,}/g

/** Any thrown value as an error of the table: what oclif says about flags, arguments and commands becomes `KEFU_USAGE`. */
export function toFailure(thrown: unknown): KefuError {
  // oclif puts its own words around what a flag's parser throws.
  if (isKefuError(thrown))
    return thrown.message.startsWith('Parsing --') ? new KefuError(thrown.code, thrown.detail) : thrown
  if (!isOclifError(thrown)) return toKefuError(thrown)
  const text = thrown.message
    .replace(/\n?See more help with --help$/, '')
    .replace(/\s+/g, ' ')
    .replace(/^The following errors? occurred: ?/, '')
    .replace(/^Parsing (--[\w-]+) E/, '$1: e')
    .replace(/^(--[\w-]+)=true cannot also/, '$1 cannot also')
  const sentence = missingArguments(thrown) ?? `${lowerFirst(text.trim())}${suggestedFlag(thrown)}`
  return new KefuError('KEFU_USAGE', { reason: sentence }, { cause: thrown })
}

/** An error for a person: what happened, its code, what to try. */
export function renderFailure(failure: KefuError, hint: string, terminal: Terminal, isDebug: boolean): string {
  const sentence = /[.!?…]$/.test(failure.message) ? failure.message : `${failure.message}.`
  const lines = [
    `${styled('Error:', 'red', terminal)} ${sentence}`,
    `${styled('Code:', 'dim', terminal)}  ${failure.code}`,
    `${styled('Try:', 'dim', terminal)}   ${hint}`,
  ]
  if (failure.exit === BUG || isDebug) lines.unshift(stackOf(failure))
  return `${lines.join('\n')}\n`
}

/**
 * Writes an error to standard error, as text or as one JSON line, and sets the exit code. Commands in its hint mean the daemon that the command line
 * meant; `command` (`team set`) is the one whose use was wrong, if it was one.
 */
export function reportFailure(
  thrown: unknown,
  argv: readonly string[],
  isDebug = process.env.KEFU_DEBUG === '1',
  command?: string,
): void {
  const failure = toFailure(thrown)
  const place = placeOf(argv)
  const isMisused = failure.code === 'KEFU_USAGE' && command !== undefined
  const hint = isMisused ? `kefu ${command} --help says what it takes` : withPlace(failure.hint, place)
  process.exitCode = failure.exit
  if (wantsJson(argv, process.env)) {
    const error: ErrorReport = { ...failure.report(), hint }
    process.stderr.write(withoutTokens(`${JSON.stringify({ error })}\n`))
    return
  }
  const terminal = describeTerminal(process.stderr, process.env, argv.includes('--no-color'))
  process.stderr.write(withoutTokens(renderFailure(failure, hint, terminal, isDebug || argv.includes('--debug'))))
}

/** Words of the command line come back in errors; a token that stood there by mistake does not. */
function withoutTokens(text: string): string {
  return text.replace(TOKENS, '[token]')
}

type OclifError = Error & {
  readonly oclif: { readonly exit?: number }
  readonly code?: string
  readonly flags?: unknown
  readonly args?: unknown
  readonly parse?: { readonly input?: { readonly flags?: object } }
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error && !('code' in error && error.code === 'MODULE_NOT_FOUND')
}

function missingArguments({ message, args }: OclifError): string | undefined {
  if (!message.startsWith('Missing ') || !Array.isArray(args)) return undefined
  return `missing ${args.map(({ name }: { readonly name: string }) => name.toUpperCase()).join(', ')}`
}

function suggestedFlag({ flags, parse }: OclifError): string {
  const wrong = Array.isArray(flags) ? String(flags[0]).replace(/^-+|=.*$/gs, '') : ''
  const found = nearest(wrong, Object.keys(parse?.input?.flags ?? {}))
  return found === undefined ? '' : `, did you mean "--${found}"?`
}

function stackOf(failure: KefuError): string {
  const stacks: string[] = []
  for (let error: unknown = failure; error instanceof Error; error = error.cause)
    stacks.push(error.stack ?? String(error))
  return stacks.join('\nCaused by: ')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
