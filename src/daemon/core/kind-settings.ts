import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import type { KindTable, SettingRow, SettingValues } from './channel-adapter.js'

/** A change of settings: by name the new value, as text where it comes from a command line; null takes it back to its default. */
export type SettingChange = Readonly<Record<string, string | number | boolean | null>>

const TEXT_LENGTH = 500

/** The values that were set, after a change. Throws `KEFU_USAGE` for a name that the kind has not, or a value that does not fit. */
export function changedSettings(table: KindTable, before: SettingValues, change: SettingChange): SettingValues {
  const values: Record<string, string | number | boolean> = { ...before }
  for (const [name, value] of Object.entries(change)) {
    const row = Object.hasOwn(table.settings, name) ? table.settings[name] : undefined
    if (row === undefined)
      throw usage(
        `a channel of kind ${table.kind} has no setting ${name}${suggestion(name, Object.keys(table.settings))}`,
      )
    if (value === null) delete values[name]
    else values[name] = checked(name, row, value)
  }
  return Object.fromEntries(
    Object.keys(values)
      .sort()
      .map(name => [name, values[name]!]),
  )
}

/** All values: those that were set, and the defaults of the others. A required one that was not set is absent. */
export function effectiveSettings({ settings }: KindTable, set: SettingValues): SettingValues {
  const values: Record<string, string | number | boolean> = {}
  for (const [name, row] of Object.entries(settings)) {
    const value = Object.hasOwn(set, name) ? set[name] : row.default
    if (value !== undefined) values[name] = value
  }
  return values
}

/** What still has to be given before a channel can work. */
export type Missing = { readonly settings: readonly string[]; readonly credentials: readonly string[] }

/** What is required and was not given. `secrets`: names of the credentials that are there. */
export function missingOf(table: KindTable, set: SettingValues, secrets: ReadonlySet<string>): Missing {
  const settings = Object.entries(table.settings)
    .filter(([name, row]) => row.isRequired && !Object.hasOwn(set, name))
    .map(([name]) => name)
  const credentials = Object.entries(table.credentials)
    .filter(([name, row]) => row.isRequired && !secrets.has(name))
    .map(([name]) => name)
  return { settings, credentials }
}

function checked(name: string, row: SettingRow, value: string | number | boolean): string | number | boolean {
  switch (row.type) {
    case 'boolean': {
      if (value === true || value === 'true') return true
      if (value === false || value === 'false') return false
      throw usage(`${name} is true or false`)
    }
    case 'integer': {
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
      if (typeof number === 'number' && Number.isInteger(number) && number >= row.min && number <= row.max)
        return number
      throw usage(`${name} is a whole number from ${row.min} to ${row.max}`)
    }
    case 'choice':
      if (typeof value === 'string' && row.choices.includes(value)) return value
      throw usage(`${name} is one of ${row.choices.join(', ')}`)
    case 'url':
      return checkedUrl(name, value)
    case 'endpoint':
      return checkedEndpoint(name, value)
    case 'text':
      return checkedText(name, row, value)
  }
}

function checkedText(
  name: string,
  row: Extract<SettingRow, { readonly type: 'text' }>,
  value: string | number | boolean,
): string {
  const text = String(value)
  const isText = text.length >= 1 && text.length <= TEXT_LENGTH && text.isWellFormed() && !/\p{C}/u.test(text)
  if (isText && row.pattern?.test(text) !== false) return text
  const form = row.pattern === undefined ? `1 to ${TEXT_LENGTH} characters in one line` : row.form
  throw usage(`${name} is ${form}${row.example === undefined ? '' : `, such as ${row.example}`}`)
}

/** Other addresses are made of it, so it has nothing behind its path. */
function checkedUrl(name: string, value: string | number | boolean): string {
  const text = String(value)
  const url = webUrl(text)
  if (url === undefined || /[?#]/.test(text))
    throw usage(
      `${name} is an address such as https://api.example.com, without password, query and fragment, of ${TEXT_LENGTH} characters at most`,
    )
  return text.replace(/\/+$/, '')
}

/** As it is written: its query, and a slash at its end, are what the other system is asked for. */
function checkedEndpoint(name: string, value: string | number | boolean): string {
  const text = String(value)
  if (webUrl(text) !== undefined && !text.includes('#')) return text
  throw usage(
    `${name} is an address such as https://shop.example/kefu?shop=7, without password and fragment, of ${TEXT_LENGTH} characters at most`,
  )
}

/** An address on the web; undefined for what is none, or holds a user or password: a setting is no secret. */
function webUrl(text: string): URL | undefined {
  if (text.length > TEXT_LENGTH || /[\s\p{C}]/u.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  return isWeb && url.username === '' && url.password === '' ? url : undefined
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
