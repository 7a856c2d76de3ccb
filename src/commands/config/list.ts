import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { SETTING_COLUMNS, viewSetting } from '../_cli/config-view.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns } from '../_cli/listing.js'

export default class ConfigList extends BaseCommand {
  static override summary = 'list all settings and their values'
  static override description =
    'The values that a daemon started now would have: a flag is stronger than an environment variable, that than the file, that than the default.'
  static override examples = [
    '<%= config.bin %> config list',
    '<%= config.bin %> config list --origin',
    '<%= config.bin %> config list --fields key,reload,doc',
  ]
  static override flags = {
    origin: boolean({ summary: 'show where each value comes from' }),
    fields: string({ helpValue: 'A,B', summary: 'columns to show, in this order: key, value, origin, reload, doc' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, 15 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(ConfigList)
    const columns = chosenColumns(SETTING_COLUMNS, flags.fields ?? (flags.origin ? 'key,value,origin' : 'key,value'))
    const { settings, problems } = await this.configuration()
    await this.output.list(columns, settings)
    for (const { message } of problems) this.output.warn(message)
    return { file: this.dirs.configFile, settings: settings.map(viewSetting) }
  }
}
