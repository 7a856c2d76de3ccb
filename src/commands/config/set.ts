import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

export default class ConfigSet extends BaseCommand {
  static override summary = 'write a setting into the configuration file'
  static override description =
    'Comments and everything else in the file stay. The value is checked first. A running daemon takes it over when it is reloaded or restarted (kefu config list --fields key,reload says which).'
  static override examples = [
    '<%= config.bin %> config set http.port 9000',
    '<%= config.bin %> config set presence.awayAfter 20s',
  ]
  static override args = {
    key: argument({ required: true, ignoreStdin: true, description: 'key, such as http.port' }),
    value: argument({ required: true, ignoreStdin: true, description: 'value' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, 12 as const, 15 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(ConfigSet)
    const { knownKey } = await import('../../daemon/config/load.js')
    const { checkedValue, setInFile } = await import('../../daemon/config/edit.js')
    const { configRow, environmentName } = await import('../../daemon/config/schema.js')
    const { formatValue } = await import('../../daemon/config/value.js')
    const key = knownKey(args.key)
    const value = checkedValue(key, args.value)
    const file = this.dirs.configFile
    const changed = await setInFile(file, key, value)
    const text = formatValue(configRow(key), value)
    this.output.line(changed ? `Set ${key} to ${text} in ${file}.` : `${key} is ${text} in ${file} already: unchanged.`)
    if (this.output.mode === 'plain')
      this.output.facts([
        ['key', key],
        ['value', text],
        ['file', file],
        ['result', changed ? 'changed' : 'unchanged'],
      ])
    const variable = environmentName(key)
    if (process.env[variable]) this.output.warn(`${variable} is set and stronger than the file`)
    const next = configRow(key).reload === 'live' ? 'reload' : 'restart'
    if (changed) this.output.note(`Next: kefu daemon ${next}, when a daemon runs`)
    return { key, value: text, file, changed }
  }
}
