import { string as argument } from '@oclif/core/args'
import { BaseCommand } from '../_cli/base-command.js'
import { viewSetting } from '../_cli/config-view.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

export default class ConfigGet extends BaseCommand {
  static override summary = 'show one setting'
  static override description = 'Prints the value alone, as it would be written in the file.'
  static override examples = ['<%= config.bin %> config get http.port', '<%= config.bin %> config get http.port --json']
  static override args = { key: argument({ required: true, ignoreStdin: true, description: 'key, such as http.port' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, 15 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(ConfigGet)
    const { knownKey } = await import('../../daemon/config/load.js')
    const key = knownKey(args.key)
    const { settings } = await this.configuration()
    const setting = settings.find(found => found.key === key)!
    this.output.raw(`${setting.text}\n`)
    return viewSetting(setting)
  }
}
