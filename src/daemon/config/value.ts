import { isIP } from 'node:net'
import type { ConfigRow } from './schema.js'
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.js'

/** A value in the form the daemon uses: durations in ms, sizes in bytes, lists as arrays. */
export type ConfigValue = string | number | boolean | readonly string[]

/** A value that was read, or what is wrong with it and what is allowed instead. */
export type ParsedValue =
  | { readonly ok: true; readonly value: ConfigValue }
  | { readonly ok: false; readonly problem: string; readonly allowed: string }

/** Reads a value of a key, from YAML (any scalar, or a list of them) or from the environment and flags (text). Never throws. */
export function parseValue(row: ConfigRow, input: unknown): ParsedValue {
  const value = read(row, input)
  if (value !== undefined) return { ok: true, value }
  return { ok: false, problem: describe(input), allowed: allowedValues(row) }
}

/** What a key takes, in words. */
export function allowedValues(row: ConfigRow): string {
  switch (row.type) {
    case 'port':
      return 'a port from 0 to 65535'
    case 'int':
      return `a whole number from ${row.min} to ${row.max}`
    case 'duration':
      return `a duration with a unit from ${formatDuration(row.minMs)} to ${formatDuration(row.maxMs)}, such as "${row.default}"`
    case 'size':
      return `a size from ${formatSize(row.minBytes)} to ${formatSize(row.maxBytes)}, such as "${row.default}"`
    case 'enum':
      return `one of ${row.values.join(', ')}`
    case 'string':
      return `a text of at most ${row.maxLength} characters`
    case 'bool':
      return 'true or false'
    case 'host':
      return 'an IP address or a host name'
    case 'networks':
      return `none, or at most ${row.maxCount} IP addresses and networks (10.0.0.0/8), separated by commas`
  }
}

/** Whether two values of one key are the same. */
export function isSameValue(a: ConfigValue, b: ConfigValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return a.length === b.length && a.every((each, index) => each === b[index])
}

/** A value as it would be written in the file, lists on one line. */
export function formatValue(row: ConfigRow, value: ConfigValue): string {
  if (row.type === 'duration' && typeof value === 'number') return formatDuration(value)
  if (row.type === 'size' && typeof value === 'number') return formatSize(value)
  if (typeof value === 'object') return value.length === 0 ? 'none' : value.join(', ')
  return String(value)
}

/** The value of a key that is set nowhere. */
export function defaultValue(row: ConfigRow): ConfigValue {
  const value = read(row, row.default)
  if (value === undefined) throw new TypeError('a default of the configuration table is not valid')
  return value
}

function read(row: ConfigRow, input: unknown): ConfigValue | undefined {
  switch (row.type) {
    case 'port':
      return wholeNumber(input, 0, 65_535)
    case 'int':
      return wholeNumber(input, row.min, row.max)
    case 'duration':
      return within(typeof input === 'string' ? parseDurationMs(input) : undefined, row.minMs, row.maxMs)
    case 'size': {
      const text = typeof input === 'number' ? String(input) : input
      return within(typeof text === 'string' ? parseSizeBytes(text) : undefined, row.minBytes, row.maxBytes)
    }
    case 'enum':
      return typeof input === 'string' && row.values.includes(input) ? input : undefined
    case 'string':
      return typeof input === 'string' && input.length <= row.maxLength && !hasControl(input) ? input : undefined
    case 'bool':
      if (typeof input === 'boolean') return input
      return input === 'true' ? true : input === 'false' ? false : undefined
    case 'host':
      return typeof input === 'string' && isHost(input) ? input : undefined
    case 'networks':
      return readNetworks(input, row.maxCount)
  }
}

function wholeNumber(input: unknown, min: number, max: number): number | undefined {
  if (typeof input === 'number') return Number.isInteger(input) ? within(input, min, max) : undefined
  return typeof input === 'string' && /^\d{1,9}$/.test(input) ? within(Number(input), min, max) : undefined
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}

function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  // Only digits and dots: a mistyped address, not a name.
  if (text.length > 253 || /^[\d.]+$/.test(text)) return false
  return text.split('.').every(label => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
}

function readNetworks(input: unknown, maxCount: number): readonly string[] | undefined {
  if (input === 'none') return []
  const items: readonly unknown[] = typeof input === 'string' ? input.split(',') : Array.isArray(input) ? input : ['']
  const networks = items.map(item => (typeof item === 'string' ? item.trim() : ''))
  return networks.length <= maxCount && networks.every(isNetwork) ? networks : undefined
}

/** Not a network of everybody: whoever is trusted may claim any address. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || wholeNumber(prefix, 1, family === 4 ? 32 : 128) !== undefined
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

function describe(input: unknown): string {
  if (input === null || input === undefined) return 'has no value'
  if (typeof input === 'object')
    return Array.isArray(input)
      ? `is a list (${input.slice(0, 10).map(String).join(', ').slice(0, 80)})`
      : 'is a section'
  const text = typeof input === 'string' ? `"${input.slice(0, 80)}"` : String(input)
  return `is ${text}`
}
