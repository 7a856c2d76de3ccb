import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { safeText } from './safe-text.js'

/** Commands that are typed into a chat: lines that begin with one `/`. Two begin a text that begins with one. */

/** What a command takes, and what it does. */
export type SlashRow = { readonly takes: string; readonly summary: string }

/** Commands by name, without the `/`. */
export type SlashTable = Readonly<Record<string, SlashRow>>

/** A line taken apart. `rest` has no white space around it. */
export type SlashLine<Name extends string> = { readonly name: Name; readonly rest: string }

/** Whether a line is a command. */
export function isSlash(text: string): boolean {
  return /^\/(?!\/)/.test(text)
}

/** The text of a line that is no command: of two slashes at its beginning one is left. */
export function plainText(text: string): string {
  return text.startsWith('//') ? text.slice(1) : text
}

/** Takes a command line apart; undefined for a name that is not in the table. Throws `KEFU_USAGE` when it was given something and takes nothing. */
export function parseSlash<T extends SlashTable>(text: string, table: T): SlashLine<keyof T & string> | undefined {
  const [name, rest] = split(text)
  const row = Object.hasOwn(table, name) ? table[name] : undefined
  if (row === undefined) return undefined
  if (rest !== '' && row.takes === '') throw misused(name, table)
  return { name, rest }
}

/** Says that there is no such command, with the nearest one. */
export function unknownSlash(text: string, table: SlashTable): string {
  const line = `/${split(text)[0]}`
  const near = suggestion(
    line,
    Object.keys(table).map(known => `/${known}`),
  )
  return `There is no command ${safeText(line.slice(0, 40))}${near || '.'} /help lists them, // sends a line that begins with /.`
}

function split(text: string): readonly [name: string, rest: string] {
  const [, name = '', rest = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(text.trimEnd()) ?? []
  return [name, rest]
}

/** A command that was given something else than it takes. */
export function misused<T extends SlashTable>(name: keyof T & string, table: T): KefuError {
  return new KefuError('KEFU_USAGE', { reason: `it is ${usageOf(name, table[name]!)}` })
}

/** The commands of a table, a line each. */
export function slashHelp(table: SlashTable): string {
  const usages = Object.entries(table).map(([name, row]) => [usageOf(name, row), row.summary] as const)
  const width = Math.max(...usages.map(([usage]) => usage.length))
  return usages.map(([usage, summary]) => `${usage.padEnd(width)}  ${summary}`).join('\n')
}

function usageOf(name: string, { takes }: SlashRow): string {
  return `/${name}${takes === '' ? '' : ` ${takes}`}`
}
