import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { readConfigFile } from './file.js'
import {
  CONFIG_KEYS,
  type Config,
  type ConfigKey,
  configRow,
  environmentName,
  isConfigKey,
  RESERVED_ENVIRONMENT,
} from './schema.js'
import { type ConfigValue, defaultValue, formatValue, parseValue } from './value.js'

/** Where a value comes from. `where` names it: the flag, the variable, the file and line. */
export type Origin = { readonly kind: 'flag' | 'environment' | 'file' | 'default'; readonly where: string }

/** One key's value, as the daemon uses it and as it would be written, and where it comes from. */
export type Setting = {
  readonly key: ConfigKey
  readonly value: ConfigValue
  readonly text: string
  readonly origin: Origin
}

/** Something wrong in the configuration. Errors keep the daemon from starting, warnings do not. */
export type ConfigProblem = {
  readonly severity: 'error' | 'warning'
  readonly code: 'KEFU_CONFIG_INVALID' | 'KEFU_CONFIG_UNKNOWN_KEY'
  readonly key: string
  readonly where: string
  readonly message: string
}

/** What configuration is made from, strongest first: flags (`key` -> text), the environment, a file. */
export type ConfigSources = {
  readonly flags: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file: string
  /** Whether a person named the file: then it is a warning when it is not there. */
  readonly isFileNamed?: boolean
}

/** All settings and all problems. A key with a wrong value has the value of its next source, so that every problem is found in one go. */
export type ConfigReading = {
  readonly config: Config
  readonly settings: readonly Setting[]
  readonly problems: readonly ConfigProblem[]
}

/**
 * Reads every source and says everything that is wrong with them. Throws `KEFU_CONFIG_UNKNOWN_KEY` for a flag's key (a person typed it),
 * `KEFU_CONFIG_INVALID` only for a file that cannot be read at all.
 */
export async function readConfig(sources: ConfigSources): Promise<ConfigReading> {
  const problems: ConfigProblem[] = []
  const found = new Map<ConfigKey, Setting>()
  const take = (key: ConfigKey, input: unknown, origin: Origin): void => {
    const parsed = parseValue(configRow(key), input)
    if (parsed.ok) found.set(key, { key, value: parsed.value, text: formatValue(configRow(key), parsed.value), origin })
    else
      problems.push({
        severity: 'error',
        code: 'KEFU_CONFIG_INVALID',
        key,
        where: origin.where,
        message: `${key} ${parsed.problem} (${origin.where}); allowed is ${parsed.allowed}`,
      })
  }

  for (const key of CONFIG_KEYS) {
    const row = configRow(key)
    const value = defaultValue(row)
    found.set(key, { key, value, text: formatValue(row, value), origin: { kind: 'default', where: 'default' } })
  }
  const entries = await readConfigFile(sources.file)
  if (entries === undefined && sources.isFileNamed === true) problems.push(missingFile(sources.file))
  for (const { key, value, line } of entries ?? []) {
    const where = `${sources.file}:${line}`
    if (isConfigKey(key)) take(key, value, { kind: 'file', where })
    else if (value !== null || !isSection(key)) problems.push(unknownKey(key, where))
  }
  const fromEnvironment = new Map(CONFIG_KEYS.map(key => [environmentName(key), key]))
  for (const [name, value] of Object.entries(sources.environment)) {
    if (!name.startsWith('KEFU_') || value === undefined || value === '') continue
    const key = fromEnvironment.get(name)
    if (key !== undefined) take(key, value, { kind: 'environment', where: name })
    else if (!isReserved(name)) problems.push(unknownVariable(name, fromEnvironment.keys()))
  }
  for (const [key, value] of sources.flags) take(knownKey(key), value, { kind: 'flag', where: 'flag' })

  const settings = CONFIG_KEYS.map(key => found.get(key)!)
  problems.push(...contradictions(found))
  return { config: toConfig(settings), settings, problems }
}

/** The configuration for a daemon: throws `KEFU_CONFIG_INVALID` naming every error; warnings are returned. */
export async function loadConfig(sources: ConfigSources): Promise<ConfigReading> {
  const reading = await readConfig(sources)
  const errors = reading.problems.filter(problem => problem.severity === 'error')
  if (errors.length > 0)
    throw new KefuError('KEFU_CONFIG_INVALID', { reason: errors.map(error => error.message).join('; ') })
  return reading
}

/** A text as a key. Throws `KEFU_CONFIG_UNKNOWN_KEY` with the nearest one. */
export function knownKey(text: string): ConfigKey {
  if (isConfigKey(text)) return text
  throw new KefuError('KEFU_CONFIG_UNKNOWN_KEY', { key: text, suggestion: suggestion(text, CONFIG_KEYS) })
}

/** The typed record of settings that cover every key. */
export function toConfig(settings: readonly Pick<Setting, 'key' | 'value'>[]): Config {
  const config: Record<string, unknown> = {}
  for (const { key, value } of settings) {
    const [name, section] = key.split('.').reverse() as [string, string | undefined]
    const field = configRow(key).type === 'duration' ? `${name}Ms` : name
    if (section === undefined) config[field] = value
    else config[section] = { ...(config[section] as object | undefined), [field]: value }
  }
  return config as Config
}

/** Pairs of which the first must not be less than the second, and the word for it. */
const ORDERED = [
  ['presence.requeueAfter', 'presence.awayAfter', 'shorter'],
  ['limits.uploadBytesPerHourPerAddress', 'limits.uploadBytes', 'smaller'],
] as const satisfies readonly (readonly [ConfigKey, ConfigKey, string])[]

function contradictions(found: ReadonlyMap<ConfigKey, Setting>): ConfigProblem[] {
  return ORDERED.flatMap(([key, least, word]): ConfigProblem[] => {
    const { value, text, origin } = found.get(key)!
    const bound = found.get(least)!
    if (Number(value) >= Number(bound.value)) return []
    const message = `${key} is ${text} (${origin.where}); it must not be ${word} than ${least}, which is ${bound.text}`
    return [{ severity: 'error', code: 'KEFU_CONFIG_INVALID', key, where: origin.where, message }]
  })
}

/** The file need not exist, but whoever names one means one that does. */
function missingFile(file: string): ConfigProblem {
  const message = `there is no file ${file}`
  return { severity: 'warning', code: 'KEFU_CONFIG_INVALID', key: '', where: file, message }
}

function unknownKey(key: string, where: string): ConfigProblem {
  const message = `${new KefuError('KEFU_CONFIG_UNKNOWN_KEY', { key, suggestion: suggestion(key, CONFIG_KEYS) }).message} (${where})`
  return { severity: 'warning', code: 'KEFU_CONFIG_UNKNOWN_KEY', key, where, message }
}

function unknownVariable(name: string, names: Iterable<string>): ConfigProblem {
  const message = `the environment variable ${name} is not one of kefu${suggestion(name, names)}`
  return { severity: 'warning', code: 'KEFU_CONFIG_UNKNOWN_KEY', key: name, where: name, message }
}

function isReserved(name: string): boolean {
  return (RESERVED_ENVIRONMENT as readonly string[]).includes(name) || name.startsWith('KEFU_TEST_')
}

function isSection(key: string): boolean {
  return CONFIG_KEYS.some(known => known.startsWith(`${key}.`))
}
