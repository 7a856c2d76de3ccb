import { toConfig } from './load.js'
import { CONFIG_KEYS, type Config, type ConfigKey, configRow } from './schema.js'
import { type ConfigValue, defaultValue, formatValue, isSameValue } from './value.js'

/** A setting that differs from the one in use, both as they would be written. */
export type SettingChange = { readonly key: ConfigKey; readonly from: string; readonly to: string }

/** What of a configuration a running daemon takes over, what waits for the next start, and what it runs with afterwards. */
export type Takeover = {
  readonly config: Config
  readonly applied: readonly SettingChange[]
  readonly needsRestart: readonly SettingChange[]
}

/** Compares key by key: what the table marks `live` is taken over, the rest stays as it is. In the table's order. */
export function takeOver(running: Config, next: Config): Takeover {
  const applied: SettingChange[] = []
  const needsRestart: SettingChange[] = []
  const settings = CONFIG_KEYS.map(key => {
    const row = configRow(key)
    const [before, after] = [settingOf(running, key), settingOf(next, key)]
    if (isSameValue(before, after)) return { key, value: before }
    const isLive = row.reload === 'live'
    const change = { key, from: formatValue(row, before), to: formatValue(row, after) }
    if (isLive) applied.push(change)
    else needsRestart.push(change)
    return { key, value: isLive ? after : before }
  })
  return { config: toConfig(settings), applied, needsRestart }
}

/** What of a configuration is not as it is by default, as it would be written. In the table's order. */
export function notDefault(config: Config): readonly string[] {
  return CONFIG_KEYS.flatMap(key => {
    const row = configRow(key)
    const value = settingOf(config, key)
    return isSameValue(defaultValue(row), value) ? [] : [`${key}: ${formatValue(row, value)}`]
  })
}

/** The value of one key. */
function settingOf(config: Config, key: ConfigKey): ConfigValue {
  const [name, section] = key.split('.').reverse() as [string, string | undefined]
  const field = configRow(key).type === 'duration' ? `${name}Ms` : name
  const holder = section === undefined ? config : config[section as keyof Config]
  return (holder as unknown as Readonly<Record<string, ConfigValue>>)[field]!
}
