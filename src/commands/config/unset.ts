import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

export default class ConfigUnset extends BaseCommand {
  static override summary = 'remove a setting from the configuration file'
  static override description = 'The default holds again. Comments and everything else in the file stay.'
  static override examples = ['<%= config.bin %> config unset http.port']
  static override args = { key: argument({ required: true, ignoreStdin: true, description: 'key, such as http.port' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, 12 as const, 15 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(ConfigUnset)
    const { knownKey } = await import('../../daemon/config/load.js')
    const { configRow } = await import('../../daemon/config/schema.js')
    const { unsetInFile } = await import('../../daemon/config/edit.js')
    const key = knownKey(args.key)
    const file = this.dirs.configFile
    const changed = await unsetInFile(file, key)
    this.output.line(changed ? `Removed ${key} from ${file}.` : `${key} is not in ${file}: unchanged.`)
    if (this.output.mode === 'plain')
      this.output.facts([
        ['key', key],
        ['file', file],
        ['result', changed ? 'removed' : 'unchanged'],
      ])
    const next = configRow(key).reload === 'live' ? 'reload' : 'restart'
    if (changed) this.output.note(`Next: kefu daemon ${next}, when a daemon runs`)
    return { key, file, changed }
  }
}
